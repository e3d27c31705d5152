//! What happened on the stream, for tests to read and to wait for. Holds no ticket and no key.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::source::ClockMs;

/// The log is cut to half of this when it gets longer.
const LONGEST: usize = 200_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamLogEntry {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The connection, numbered from 1 in the order of dialling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// What it was.
    #[serde(flatten)]
    pub what: StreamLogKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StreamLogKind {
    /// The endpoint gave a ticket.
    Ticket {
        /// The connection id inside the URL.
        device_id: String,
    },
    /// The endpoint refused.
    EndpointRefused {
        /// The platform's code.
        code: i64,
    },
    /// A TCP connection was accepted.
    Dial,
    /// The upgrade failed, or was refused.
    HandshakeFailed {
        /// Why.
        reason: String,
    },
    /// The upgrade succeeded.
    Connected {
        /// The connection id of the ticket that was used.
        device_id: String,
    },
    /// The client sent a protobuf ping.
    Ping,
    /// A data frame, or its parts, went out.
    Sent {
        /// The event's id.
        event_id: String,
        /// The event's type.
        event_type: String,
        /// The id that the acknowledgement names.
        message_id: String,
        /// 1 for the first delivery.
        attempt: u8,
    },
    /// An acknowledgement arrived.
    Ack {
        /// The event's id; empty for an unknown message id.
        event_id: String,
        /// The id that it names.
        message_id: String,
        /// `code` of its payload.
        code: i64,
        /// The whole payload.
        payload: Value,
        /// Handler time as the client states it.
        biz_rt: Option<String>,
        /// What it did.
        outcome: AckOutcome,
    },
    /// A black hole took a message of the client's.
    Swallowed,
    /// The client sent something that is neither ping nor acknowledgement.
    BadFrame {
        /// What is wrong with it.
        reason: String,
    },
    /// The last delivery was not acknowledged either.
    GaveUp {
        /// The event's id.
        event_id: String,
    },
    /// The connection ended.
    Closed {
        /// How, in words.
        reason: String,
        /// The close code that the client sent, if it did.
        code: Option<u16>,
    },
}

/// What an acknowledgement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AckOutcome {
    /// The event will not be delivered again; or the callback is answered.
    Settled,
    /// The code was not 200: the event will be delivered again.
    Refused,
    /// It came after the time allowed and counts for nothing.
    Late,
    /// The event was settled before.
    Repeated,
    /// No frame with that message id was sent.
    Unknown,
}

impl StreamLogEntry {
    /// The event's id, when this is an acknowledgement with code 200.
    #[must_use]
    pub fn accepted_event(&self) -> Option<&str> {
        match &self.what {
            StreamLogKind::Ack { event_id, code, .. } if *code == super::ack::ACCEPTED => Some(event_id),
            _ => None,
        }
    }
}

/// The entries, and a signal for each new one.
pub(super) struct Log {
    clock_ms: ClockMs,
    entries: Mutex<Vec<StreamLogEntry>>,
    written: watch::Sender<u64>,
}

impl Log {
    /// An empty log.
    pub(super) fn new(clock_ms: ClockMs) -> Self {
        Self { clock_ms, entries: Mutex::default(), written: watch::Sender::new(0) }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<StreamLogEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and wakes who waits.
    pub(super) fn write(&self, connection: Option<u64>, what: StreamLogKind) {
        let entry = StreamLogEntry { at_ms: (self.clock_ms)(), connection, what };
        let mut entries = self.entries();
        if entries.len() >= LONGEST {
            entries.drain(..LONGEST / 2);
        }
        entries.push(entry);
        drop(entries);
        self.written.send_modify(|count| *count += 1);
    }

    /// All entries, oldest first.
    pub(super) fn read(&self) -> Vec<StreamLogEntry> {
        self.entries().clone()
    }

    /// Waits until `find` finds what it looks for.
    pub(super) async fn wait_for<T>(&self, mut find: impl FnMut(&[StreamLogEntry]) -> Option<T>) -> T {
        let mut written = self.written.subscribe();
        loop {
            if let Some(found) = find(&self.entries()) {
                return found;
            }
            // The sender lives as long as the log, so this cannot fail.
            let _ = written.changed().await;
        }
    }
}
