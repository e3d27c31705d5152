//! What happened on the stream, for tests to read and to wait for. Holds no ticket and no key.

use serde::Serialize;
use serde_json::Value;

use crate::websocket::log::LogEntry;

/// One thing that happened.
pub type StreamLogEntry = LogEntry<StreamLogKind>;

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
    /// A delivery was posted to the app's address.
    Posted {
        /// The event's id.
        event_id: String,
        /// The event's type.
        event_type: String,
        /// 1 for the first delivery, by whichever way.
        attempt: u8,
    },
    /// What came of it.
    PostAnswered {
        /// The event's id.
        event_id: String,
        /// The HTTP status of the answer, if there was one.
        status: Option<u16>,
        /// What it did.
        outcome: PostOutcome,
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

/// What the answer to a post did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PostOutcome {
    /// The event will not be delivered again; or the callback is answered.
    Settled,
    /// The status was not 200, or a callback's answer cannot be read: an event will be delivered again.
    Refused,
    /// There was none in the time allowed.
    Late,
    /// The address could not be reached.
    Unreachable,
    /// The event was settled before.
    Repeated,
}

impl StreamLogEntry {
    /// The event's id, when this is an acknowledgement with code 200, or a post's answer with that status.
    #[must_use]
    pub fn accepted_event(&self) -> Option<&str> {
        match &self.what {
            StreamLogKind::Ack { event_id, code, .. } if *code == super::ack::ACCEPTED => Some(event_id),
            StreamLogKind::PostAnswered { event_id, status: Some(200), .. } => Some(event_id),
            _ => None,
        }
    }
}
