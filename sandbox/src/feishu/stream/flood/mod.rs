//! A load generator for one connection: as many events as the client acknowledges, within a window.
//!
//! Made to be cheaper than any client: frames are prepared once and three ids patched in place, an
//! acknowledgement is scanned for two fields, and there is no task, timer or log entry per event. Events of
//! a flood are never delivered again; ids of accepted ones are kept for checking what survived a crash.

mod ack_scan;
mod histogram;
mod run;
mod template;

use serde::{Deserialize, Serialize};

pub(super) use run::Flood;

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
    /// Every so many-th event is a `card.action.trigger`; none for 0.
    pub card_every: u64,
    /// How many of 1000 frames repeat the event before under another message id.
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

/// What the client made of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FloodReport {
    /// Frames sent, repetitions included.
    pub sent: u64,
    /// Frames that repeated the event before.
    pub duplicates: u64,
    /// Frames acknowledged with code 200.
    pub acked: u64,
    /// Frames acknowledged with another code, or with none that could be read.
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
    /// The event ids accepted last, oldest first.
    pub last_acked_event_ids: Vec<String>,
}
