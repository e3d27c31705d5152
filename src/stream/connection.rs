//! One connection: one task that owns one socket, from the open handshake to the close.
//!
//! The loop waits for one thing, then takes everything else that is ready, then flushes once: under load, answers leave
//! in batches. Handlers run inside the task, many at a time ([`MAX_IN_FLIGHT`]); when that many are under way, nothing more
//! is read, so that the peer feels it. Answers leave in the order in which handlers finish. A handler that is late is
//! answered for as failed, so that the peer sends the event again.
//!
//! The link counts as dead when nothing at all has come in for two and a half heartbeats, each of which provokes an
//! answer; the platform's own heartbeat is sent besides and its answer is not waited for. Time spent not reading does not
//! count. Every write is bounded in time.
//!
//! The end is orderly where the peer is alive: reading stops, what is in flight is answered, a close frame is sent, and
//! what still comes is drained, because a socket closed with unread bytes resets and may take our last answers with it.
//! When the link is lost instead, handlers in flight are handed back in [`Ended`] to be finished: a tap comes only once.

mod alarm;
mod bad_frames;
mod end;
mod handling;
mod heart;
mod limits;
mod outbox;
mod phase;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message};
use tokio_util::sync::CancellationToken;

use crate::domain::event::Verdict;
use crate::stream::contract::{AckSlot, Codec, Handler, Opened, Socket, Step};
use crate::stream::status::{Board, Observation, PartialBytes};

use alarm::Alarm;
use bad_frames::BadFrames;
use end::{CLOSED, fault};
pub use end::{End, Ended};
pub use handling::InFlight;
use handling::{Answered, Handling};
use heart::Heart;
pub use limits::Limits;
use outbox::Outbox;
use phase::Phase;

/// Events being handled at a time.
pub const MAX_IN_FLIGHT: usize = 256;
/// Things taken in one turn before the answers are flushed.
const BATCH: usize = 512;

/// What one wait brought.
enum Turn {
    /// The alarm or the stop: both are looked at in every turn, so that a flood of messages cannot hide them.
    Wake,
    Message(Option<Result<Message, WsError>>),
    Answered(Answered),
}

/// One connection.
pub struct Connection {
    socket: Socket,
    codec: Box<dyn Codec>,
    handler: Handler,
    limits: Limits,
    board: Arc<Board>,
    phase: Phase,
    in_flight: InFlight,
    outbox: Outbox,
    bad: BadFrames,
    alarm: Alarm,
    opened_at: Instant,
    /// The time of the present turn.
    now: Instant,
    heart: Heart,
    partial_bytes: PartialBytes,
    leaving: CancellationToken,
}

impl Connection {
    /// Takes an open link over.
    #[must_use]
    pub fn new(opened: Opened, handler: Handler, limits: Limits, board: Arc<Board>) -> Self {
        let now = Instant::now();
        Self {
            socket: opened.socket,
            codec: opened.codec,
            handler,
            limits,
            phase: Phase::Open,
            in_flight: InFlight::default(),
            outbox: Outbox::default(),
            bad: BadFrames::new(now),
            alarm: Alarm::new(now),
            opened_at: now,
            now,
            heart: Heart::new(now, limits.heartbeat),
            partial_bytes: PartialBytes::new(Arc::clone(&board)),
            board,
            leaving: CancellationToken::new(),
        }
    }

    /// Cancelled when the platform has said that it will end this link: the time to open another.
    #[must_use]
    pub fn leaving(&self) -> CancellationToken {
        self.leaving.clone()
    }

    /// Runs the connection to its end; `stop` asks for an orderly one.
    pub async fn run(mut self, stop: &CancellationToken) -> Ended {
        let end = loop {
            self.set_alarm();
            let turn = self.wait(stop).await;
            self.now = Instant::now();
            self.take(turn);
            self.take_what_is_ready().await;
            self.check_the_time();
            self.stop_if_told(stop);
            self.write().await;
            self.partial_bytes.set(self.codec.partial_bytes());
            if let Some(end) = self.phase.end(self.in_flight.is_empty(), self.now) {
                break end;
            }
        };
        if end.has_peer() {
            outbox::close(&mut self.socket).await;
        }
        Ended { end, reconnect_interval: self.codec.reconnect_interval(), unfinished: self.in_flight }
    }

    async fn wait(&mut self, stop: &CancellationToken) -> Turn {
        let (open, reading) = (self.phase.is_open(), self.reads());
        tokio::select! {
            biased;
            () = stop.cancelled(), if open => Turn::Wake,
            answered = self.in_flight.next() => Turn::Answered(answered),
            message = self.socket.next(), if reading => Turn::Message(message),
            () = self.alarm.rings() => Turn::Wake,
        }
    }

    fn reads(&self) -> bool {
        self.phase.is_open() && self.in_flight.len() < MAX_IN_FLIGHT
    }

    async fn take_what_is_ready(&mut self) {
        for _ in 0..BATCH {
            match poll_fn(|cx| Poll::Ready(self.poll_ready(cx))).await {
                Some(turn) => self.take(turn),
                None => break,
            }
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Option<Turn> {
        if self.reads()
            && let Poll::Ready(message) = self.socket.poll_next_unpin(cx)
        {
            return Some(Turn::Message(message));
        }
        match self.in_flight.poll_next(cx) {
            Poll::Ready(answered) => Some(Turn::Answered(answered)),
            Poll::Pending => None,
        }
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Answered(answered) => self.answer(answered),
            Turn::Wake => {}
            Turn::Message(Some(Ok(message))) => {
                self.heart.inbound(self.now);
                self.on_message(message);
            }
            Turn::Message(Some(Err(error))) => self.phase = Phase::Closed(End::Lost(fault(&error))),
            Turn::Message(None) => self.phase = Phase::Closed(End::Lost(CLOSED)),
        }
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Binary(_) | Message::Text(_) => self.on_data(message),
            // Nothing can be answered any more, and nothing more will come.
            Message::Close(_) => self.phase = Phase::Closed(End::Lost(CLOSED)),
            // Pings are answered by the library.
            _ => {}
        }
    }

    fn on_data(&mut self, message: Message) {
        match self.codec.on_message(message, self.now - self.opened_at) {
            Step::Ignore => {}
            Step::Bad(why) => self.on_bad(why),
            Step::Reply(reply) => self.outbox.push(reply),
            Step::Deliver { event, slot } => {
                self.in_flight.push(Handling::start(&self.handler, *event, slot, self.now));
            }
            Step::Discard { slot, why } => self.discard(slot, why),
            Step::Leaving => self.leaving.cancel(),
            Step::Reconnect => self.drain(End::Recycled("reconnect")),
            Step::Misconfigured(reason) => self.drain(End::Misconfigured(reason)),
        }
    }

    fn on_bad(&mut self, why: &'static str) {
        self.board.observe(Observation::FrameBad { why });
        tracing::debug!(why, "stream frame cannot be read");
        if self.bad.add(self.now) {
            tracing::warn!(why, "stream link brings too many unreadable frames; it is replaced");
            self.drain(End::Recycled("bad_frames"));
        }
    }

    fn discard(&mut self, slot: AckSlot, why: &'static str) {
        self.board.observe(Observation::Discarded { why });
        tracing::debug!(why, "stream event is acknowledged unhandled");
        let ack = self.codec.ack(slot, &Verdict::accepted(), Duration::ZERO);
        self.outbox.push(ack);
    }

    fn answer(&mut self, answered: Answered) {
        let took = self.now.saturating_duration_since(answered.started);
        let ack = self.codec.ack(answered.slot, &answered.verdict, took);
        self.outbox.push(ack);
        self.board.observe(Observation::EventAcked { ms: took.as_secs_f64() * 1e3 });
    }

    fn drain(&mut self, end: End) {
        self.phase.drain(self.now + self.limits.drain, end);
    }

    /// Sets the alarm to the earliest thing due.
    fn set_alarm(&mut self) {
        let mut due = match &self.phase {
            Phase::Draining { until, .. } => *until,
            _ => self.heart.due(),
        };
        if let Some(overdue) = self.in_flight.overdue_at(self.limits.handler) {
            due = due.min(overdue);
        }
        self.alarm.set(due, self.now);
    }

    fn stop_if_told(&mut self, stop: &CancellationToken) {
        if stop.is_cancelled() {
            self.drain(End::Stopped);
        }
    }

    fn check_the_time(&mut self) {
        if !self.alarm.is_due(self.now) {
            return;
        }
        let late = self.in_flight.take_overdue(self.now, self.limits.handler);
        if !late.is_empty() {
            tracing::warn!(events = late.len(), "stream events were not handled in time; they are answered as failed");
        }
        for late in late {
            self.answer(late);
        }
        if !self.phase.is_open() {
            return;
        }
        if !self.reads() {
            self.heart.inbound(self.now);
        } else if self.heart.is_dead(self.now) {
            self.phase = Phase::Closed(End::Lost("silence"));
            return;
        }
        self.beat();
    }

    fn beat(&mut self) {
        if self.heart.take_ping(self.now) {
            self.outbox.push(Message::Ping(Bytes::new()));
            self.codec.on_tick(self.now - self.opened_at);
            self.board.heartbeat();
        }
        if self.heart.is_platform_ping_due(self.now) {
            let (period, ping) = self.codec.heartbeat();
            self.outbox.push(ping);
            self.heart.set_platform_ping(self.now, period);
        }
    }

    async fn write(&mut self) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if let Err(end) = self.outbox.write(&mut self.socket).await {
            self.phase = Phase::Closed(end);
        }
    }
}

#[cfg(test)]
mod tests;
