//! The task of one open connection: writes what it is told, pings, hands on acknowledgements, and ends ten seconds after it said
//! so.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::config::DRAIN_S;
use super::frame::Ack;
use super::hub::Hub;
use super::log::StreamLogKind;
use super::ticket::Pass;
use crate::random;
use crate::websocket::flood::{Flood, Flooding};
use crate::websocket::link::{Link, Turn};
use crate::websocket::raw::Wire;
use crate::websocket::seats::Seat;
use crate::websocket::socket::{Socket, swallow};

/// How long a client may take to answer a close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// What a connection's task can be asked for.
pub(super) enum Command {
    /// Write these, in order.
    Write(Vec<Wire>),
    /// End in ten seconds of the sandbox's clock.
    Drain,
    /// Load this connection with pushes.
    Flood(Box<Flood>),
}

impl From<Vec<Wire>> for Command {
    fn from(wires: Vec<Wire>) -> Self {
        Self::Write(wires)
    }
}

/// One open connection.
pub(super) struct Connection {
    hub: Arc<Hub>,
    id: u64,
    link: Link,
    seat: Seat<Command>,
    flood: Flooding,
    /// The code of the client's close frame.
    close_code: Option<u16>,
    close_deadline: Option<Instant>,
    /// When to hang up, by the sandbox's clock (ms).
    ends_ms: Option<i64>,
    next_ping: Instant,
}

/// What the connection's task has to do.
enum Do {
    Turn(Turn),
    Obey(Option<Command>),
    Ping,
    Flood,
    HangUp,
    GiveUp,
}

impl Connection {
    /// Takes its seat at the hub.
    pub(super) fn new(hub: Arc<Hub>, id: u64, pass: Pass, ws: WebSocketStream<Socket>) -> Self {
        let seat = hub.connected(id, pass);
        let link = Link::new(ws, Arc::clone(&seat.hole));
        let next_ping = Instant::now() + hub.config.ping_interval;
        let flood = Flooding::default();
        Self { hub, id, link, seat, flood, close_code: None, close_deadline: None, ends_ms: None, next_ping }
    }

    /// Lives until the connection ends; gives the last entry for the log.
    pub(super) async fn run(mut self) -> StreamLogKind {
        let reason = self.exchange().await;
        drop(self.flood);
        let code = self.close_code;
        if self.link.is_hole() {
            let (changed, hole) = (self.hub.faults_set.subscribe(), Arc::clone(&self.seat.hole));
            swallow(self.link.into_socket(), changed, || hole.load(Ordering::Acquire)).await;
        }
        StreamLogKind::Closed { reason, code }
    }

    async fn exchange(&mut self) -> String {
        let mut inbox = Vec::new();
        loop {
            match self.next().await {
                Do::Turn(Turn::Ended(reason)) => return reason,
                Do::Turn(Turn::Incoming) => self.read(&mut inbox),
                Do::Obey(Some(Command::Write(wires))) => wires.into_iter().for_each(|wire| self.link.enqueue(wire)),
                Do::Obey(Some(Command::Drain)) => {
                    let clock = &self.hub.config.clock;
                    self.ends_ms = Some(clock.now_ms() + clock.period_ms(DRAIN_S));
                }
                Do::Obey(Some(Command::Flood(flood))) => self.flood.begin(flood),
                Do::Ping => self.ping(),
                Do::Flood => {}
                Do::HangUp => {
                    self.ends_ms = None;
                    self.link.enqueue(Wire::Hangup { reset: false });
                }
                Do::Obey(None) => return "the stream forgot it".to_owned(),
                Do::GiveUp => return "the close frame was not answered".to_owned(),
            }
            self.flood.go_on(&mut self.link);
            if self.link.is_closing() && self.close_deadline.is_none() {
                self.close_deadline = Some(Instant::now() + CLOSE_PATIENCE);
            }
        }
    }

    async fn next(&mut self) -> Do {
        let clock = Arc::clone(&self.hub.config.clock);
        let (ends_ms, deadline, flood) = (self.ends_ms, self.close_deadline, self.flood.deadline());
        tokio::select! {
            turn = self.link.turn() => Do::Turn(turn),
            command = self.seat.commands.recv() => Do::Obey(command),
            () = tokio::time::sleep_until(self.next_ping) => Do::Ping,
            () = async { match ends_ms {
                Some(at_ms) => clock.reach(at_ms).await,
                None => std::future::pending().await,
            } } => Do::HangUp,
            () = until(flood) => Do::Flood,
            () = until(deadline) => Do::GiveUp,
        }
    }

    fn ping(&mut self) {
        self.next_ping = Instant::now() + self.hub.config.ping_interval;
        let quiet = self.hub.state().faults.no_pings || self.ends_ms.is_some();
        if !quiet {
            self.hub.system(self.id, "ping", &json!({"opaque": random::hex(16)}));
        }
    }

    fn read(&mut self, inbox: &mut Vec<Message>) {
        self.link.swap_inbox(inbox);
        let now = Instant::now();
        for message in inbox.drain(..) {
            if let Message::Close(frame) = &message {
                self.close_code = frame.as_ref().map(|frame| u16::from(frame.code));
            }
            if self.link.is_hole() {
                self.hub.log.write(Some(self.id), StreamLogKind::Swallowed);
                continue;
            }
            match message {
                Message::Text(text) if self.flood.takes(text.as_bytes(), now) => {}
                Message::Text(text) => match Ack::read(&text) {
                    Ok(ack) => self.hub.acknowledged(self.id, ack),
                    Err(reason) => self.hub.log.write(Some(self.id), StreamLogKind::BadFrame { reason }),
                },
                Message::Binary(_) => {
                    let reason = "a binary message".to_owned();
                    self.hub.log.write(Some(self.id), StreamLogKind::BadFrame { reason });
                }
                // The WebSocket layer answers these by itself.
                Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
