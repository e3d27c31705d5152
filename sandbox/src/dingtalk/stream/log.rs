//! What can happen on the stream. Nothing here holds a ticket or a secret.

use serde::Serialize;
use serde_json::Value;

use crate::websocket::log::LogEntry;

/// One thing that happened.
pub type StreamLogEntry = LogEntry<StreamLogKind>;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StreamLogKind {
    /// `connections/open` gave a ticket.
    Ticket {
        /// The platform's name for the connection.
        connection_id: String,
        /// What it is going to hear.
        subscriptions: Vec<String>,
    },
    /// `connections/open` refused, by a fault.
    OpenRefused {
        /// The HTTP status.
        status: u16,
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
        /// The platform's name for the connection.
        connection_id: String,
    },
    /// A frame went out.
    Sent {
        /// The event's id, the robot message's, or the card's; empty for `SYSTEM`.
        id: String,
        /// `SYSTEM`, `EVENT` or `CALLBACK`.
        r#type: &'static str,
        /// The topic; for an event its type.
        topic: String,
        /// The id that the acknowledgement names.
        message_id: String,
        /// 1 for the first delivery.
        attempt: u8,
    },
    /// A callback found nobody to go to.
    Lost {
        /// The robot message's id, or the card's.
        id: String,
        /// The topic.
        topic: String,
    },
    /// An acknowledgement arrived.
    Ack {
        /// As in `sent`; empty for an unknown message id.
        id: String,
        /// The id that it names.
        message_id: String,
        /// Its code.
        code: i64,
        /// What is in its data.
        data: Value,
        /// What it did.
        outcome: AckOutcome,
    },
    /// A black hole took a message of the client's.
    Swallowed,
    /// The client sent something that is no acknowledgement.
    BadFrame {
        /// What is wrong with it.
        reason: String,
    },
    /// The last delivery was not accepted either.
    GaveUp {
        /// The event's id.
        id: String,
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
    /// The event will be delivered again.
    Later,
    /// Nobody there handles it; an event will be delivered again.
    Unhandled,
    /// Read and of no effect: robot messages and `SYSTEM` frames need no answer.
    Noted,
    /// It came after the time allowed and counts for nothing.
    Late,
    /// It was settled before.
    Repeated,
    /// No frame with that message id was sent.
    Unknown,
    /// A fault lost it.
    Lost,
}
