//! The task of one open connection: writes what it is told, answers pings, hands on acknowledgements.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{
    ack::Ack,
    frame::{Frame, METHOD_CONTROL, METHOD_DATA},
    hub::Hub,
    link::{Link, Turn},
    log::StreamLogKind,
    raw::Wire,
    socket::{Socket, swallow},
};
use crate::websocket::flood::{Flood, Flooding};
use crate::websocket::seats::Seat;

/// How long a client may take to answer a close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Commands taken in one go.
const COMMANDS: usize = 256;

/// What a connection's task can be asked for.
pub(super) enum Command {
    /// Write these, in order.
    Write(Vec<Wire>),
    /// Load this connection with events.
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
}

impl Connection {
    /// Takes its seat at the hub.
    pub(super) fn new(hub: Arc<Hub>, id: u64, device_id: String, ws: WebSocketStream<Socket>) -> Self {
        let seat = hub.connected(id, device_id);
        let link = Link::new(ws, Arc::clone(&seat.hole));
        if hub.config.auto_push {
            hub.auto_push(id);
        }
        Self { hub, id, link, seat, flood: Flooding::default(), close_code: None, close_deadline: None }
    }

    /// Lives until the connection ends; gives the last entry for the log.
    pub(super) async fn run(mut self) -> StreamLogKind {
        let reason = self.exchange().await;
        drop(self.flood);
        let code = self.close_code;
        if self.link.is_hole() {
            let (changed, hole) = (self.hub.faults_set.subscribe(), Arc::clone(&self.seat.hole));
            let still = || hole.load(std::sync::atomic::Ordering::Acquire);
            swallow(self.link.into_socket(), changed, still).await;
        }
        StreamLogKind::Closed { reason, code }
    }

    async fn exchange(&mut self) -> String {
        let mut commands = Vec::with_capacity(COMMANDS);
        let mut inbox = Vec::new();
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                turn = self.link.turn() => match turn {
                    Turn::Ended(reason) => return reason,
                    Turn::Incoming => self.read(&mut inbox),
                },
                _ = self.seat.commands.recv_many(&mut commands, COMMANDS) => {
                    for command in commands.drain(..) {
                        self.obey(command);
                    }
                }
                () = deadline => {
                    if self.close_deadline.is_some_and(|at| at <= Instant::now()) {
                        return "the close frame was not answered".to_owned();
                    }
                }
            }
            self.flood.go_on(&mut self.link);
            if self.link.is_closing() && self.close_deadline.is_none() {
                self.close_deadline = Some(Instant::now() + CLOSE_PATIENCE);
            }
        }
    }

    /// Completes when the flood or the closing has to be looked at without anything having arrived.
    fn next_deadline(&self) -> impl Future<Output = ()> + use<> {
        let earliest = self.flood.deadline().into_iter().chain(self.close_deadline).min();
        async move {
            match earliest {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Write(wires) => {
                for wire in wires {
                    self.link.enqueue(wire);
                }
            }
            Command::Flood(flood) => self.flood.begin(flood),
        }
    }

    fn read(&mut self, inbox: &mut Vec<Message>) {
        self.link.swap_inbox(inbox);
        let now = Instant::now();
        for message in inbox.drain(..) {
            if let Message::Close(frame) = &message {
                self.close_code = frame.as_ref().map(|f| u16::from(f.code));
            }
            if self.link.is_hole() {
                self.hub.log.write(Some(self.id), StreamLogKind::Swallowed);
                continue;
            }
            match message {
                Message::Binary(bytes) => self.on_binary(&bytes, now),
                Message::Text(_) => self.bad_frame("a text message"),
                // The WebSocket layer answers these by itself.
                Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn on_binary(&mut self, bytes: &Bytes, now: Instant) {
        if self.flood.takes(bytes, now) {
            return;
        }
        match Frame::parse(bytes) {
            Ok(frame) => self.on_frame(&frame),
            Err(e) => self.bad_frame(&e.to_string()),
        }
    }

    fn on_frame(&mut self, frame: &Frame) {
        match (frame.method, frame.header("type")) {
            (METHOD_CONTROL, Some("ping")) => self.pong(frame),
            (METHOD_CONTROL, _) => self.bad_frame("a control frame that is no ping"),
            (METHOD_DATA, _) => match Ack::read(frame) {
                Ok(ack) => self.hub.acknowledged(self.id, ack),
                Err(reason) => self.bad_frame(reason),
            },
            _ => self.bad_frame("an unknown method"),
        }
    }

    fn pong(&mut self, ping: &Frame) {
        self.hub.log.write(Some(self.id), StreamLogKind::Ping);
        let config = self.hub.client_config().to_string().into_bytes();
        let answer = Frame::pong(ping.service, config).to_bytes();
        self.link.enqueue(Wire::Message(Message::Binary(answer)));
    }

    fn bad_frame(&self, reason: &str) {
        let reason = reason.to_owned();
        self.hub.log.write(Some(self.id), StreamLogKind::BadFrame { reason });
    }
}
