//! A load generator for one connection: as many events as the client acknowledges, within a window.
//!
//! Made to be cheaper than any client: frames are prepared once and three ids patched in place, an
//! acknowledgement is scanned for two facts, and there is no task, timer or log entry per event. Events of
//! a flood are never delivered again; ids of accepted ones are kept for checking what survived a crash.
//!
//! It must not know a platform's frames: they come with the [`Kit`].

mod flooding;
mod histogram;
mod run;
pub(crate) mod template;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

pub(crate) use flooding::Flooding;
pub(crate) use run::Flood;

use template::Template;

/// What a platform brings to a flood.
pub(crate) struct Kit {
    /// An event, and a tap on a card; absent when a placeholder got lost.
    pub(crate) templates: [Option<Template>; 2],
    /// A frame as a message.
    pub(crate) message: fn(Bytes) -> Option<Message>,
    /// Reads an acknowledgement; nothing when it has no message id or is damaged.
    pub(crate) scan: fn(&[u8]) -> Option<AckScan<'_>>,
    /// How long to wait for the last acknowledgements.
    pub(crate) patience: Duration,
}

/// The two facts that a flood wants of an acknowledgement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AckScan<'a> {
    /// Which delivery it answers.
    pub(crate) message_id: &'a [u8],
    /// Whether it settles the event.
    pub(crate) accepted: bool,
}

/// How many ids [`FloodReport::last_acked_event_ids`] holds at most.
pub const LAST_ACKED: usize = 1_000;

/// The load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloodSpec {
    /// Which connection is loaded.
    pub connection: FloodTarget,
    /// How long events are sent, in seconds.
    pub seconds: f64,
    /// Stop after this many frames, if that comes earlier.
    pub events: Option<u64>,
    /// The greatest number of unacknowledged frames.
    pub window: usize,
    /// Length of an event's JSON in bytes; no event is shorter than it has to be.
    pub event_bytes: usize,
    /// Every so many-th event is a tap on a card; none for 0.
    pub card_every: u64,
    /// How many of 1000 frames repeat the event before under another message id, where it has an id of its own.
    pub duplicates_permille: u32,
    /// Start of the sequence of event ids.
    pub seed: u64,
}

impl Default for FloodSpec {
    fn default() -> Self {
        Self {
            connection: FloodTarget::First,
            seconds: 5.0,
            events: None,
            window: 128,
            event_bytes: 1_000,
            card_every: 10,
            duplicates_permille: 0,
            seed: 1,
        }
    }
}

/// The connection that is loaded: `"first"` or `{"id":3}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FloodTarget {
    /// The oldest that is open.
    #[default]
    First,
    /// The one with this number in the log.
    Id(u64),
}

impl FloodTarget {
    /// The connection's number; none for the oldest, once any is open.
    pub(crate) async fn wait(self, open: &watch::Sender<usize>) -> Option<u64> {
        match self {
            Self::Id(id) => Some(id),
            Self::First => {
                // The sender lives as long as the caller's reference, so this cannot fail.
                let _ = open.subscribe().wait_for(|open| *open > 0).await;
                None
            }
        }
    }
}

/// What the client made of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FloodReport {
    /// Frames sent, repetitions included.
    pub sent: u64,
    /// Frames that repeated the event before.
    pub duplicates: u64,
    /// Frames acknowledged as taken.
    pub acked: u64,
    /// Frames acknowledged in any other way.
    pub ack_errors: u64,
    /// Accepted frames per second, from the first frame to the last acknowledgement.
    pub acks_per_second: f64,
    /// Half of the acknowledgements took at most this, in milliseconds (to within 2 %).
    pub p50_ms: f64,
    /// As `p50_ms`, for 90 %.
    pub p90_ms: f64,
    /// As `p50_ms`, for 99 %.
    pub p99_ms: f64,
    /// The slowest acknowledgement, in milliseconds.
    pub max_ms: f64,
    /// The ids of the events accepted last, oldest first: the message ids of those that have no other.
    pub last_acked_event_ids: Vec<String>,
}
