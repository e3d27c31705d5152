//! What is known about the links of one app: for the status page, the metrics and the log.
//!
//! The [`Board`] is the only writer. It turns each thing that happens into a change of the [`Status`], into an
//! [`Observation`] for the metrics, and, where somebody should know, into one line of the log. Nothing on it is secret:
//! reasons come without URLs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::AppId;
use crate::stream::contract::Refused;

/// Something worth counting. Words are metric labels from a small fixed set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation {
    /// A link is up.
    Connected,
    /// A link is down.
    Disconnected {
        /// Why.
        why: &'static str,
    },
    /// A dial that is not a link's first begins.
    ReconnectAttempt,
    /// Such a dial led to a link.
    ReconnectSuccess,
    /// Such a dial did not.
    ReconnectFailure,
    /// A frame cannot be read.
    FrameBad {
        /// Why.
        why: &'static str,
    },
    /// An event was answered.
    EventAcked {
        /// The time from reading the event to writing the answer, in milliseconds.
        ms: f64,
    },
    /// An event was acknowledged unhandled.
    Discarded {
        /// Why.
        why: &'static str,
    },
    /// No link could be opened for long (true), or one is up again (false).
    Degraded(bool),
    /// Bytes held for incomplete messages, over all links of the app.
    PartialBytes(usize),
    /// Links that are up.
    ConnectionsUp(usize),
}

/// Takes the observations of one app. Called from the connections' tasks: must be quick and must not block.
pub type Observer = Arc<dyn Fn(Observation) + Send + Sync>;

/// The state of one app's links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The app.
    pub app: AppId,
    /// How many links are wanted.
    pub wanted: usize,
    /// How many are up.
    pub up: usize,
    /// Whether the tries are used up with no link to show for it. Trying goes on.
    pub degraded: bool,
    /// Whether somebody has to change a setting before a link can come up.
    pub misconfigured: bool,
    /// When a link last came up.
    pub last_connected_at: Option<Timestamp>,
    /// When a link last went down.
    pub last_disconnected_at: Option<Timestamp>,
    /// Dials that failed since the last success.
    pub reconnect_count: u32,
    /// The last failure, in words for people.
    pub last_error: Option<String>,
    /// Heartbeats sent since the start.
    pub heartbeat_count: u64,
    /// When the last heartbeat was sent.
    pub last_heartbeat_at: Option<Timestamp>,
}

impl Status {
    /// Before the first dial.
    #[must_use]
    pub const fn new(app: AppId, wanted: usize) -> Self {
        Self {
            app,
            wanted,
            up: 0,
            degraded: false,
            misconfigured: false,
            last_connected_at: None,
            last_disconnected_at: None,
            reconnect_count: 0,
            last_error: None,
            heartbeat_count: 0,
            last_heartbeat_at: None,
        }
    }
}

/// Where the links of one app report.
pub struct Board {
    status: watch::Sender<Status>,
    observer: Observer,
    clock: Arc<dyn Clock>,
    partial_bytes: AtomicUsize,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(app: AppId, wanted: usize, observer: Observer, clock: Arc<dyn Clock>) -> Self {
        let (status, _) = watch::channel(Status::new(app, wanted));
        Self { status, observer, clock, partial_bytes: AtomicUsize::new(0) }
    }

    /// The status from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Counts something.
    pub fn observe(&self, observation: Observation) {
        (self.observer)(observation);
    }

    /// A link came up.
    pub fn connected(&self) {
        let now = self.clock.now();
        let (before, after) = self.change(|status| {
            status.up += 1;
            status.degraded = false;
            status.misconfigured = false;
            status.reconnect_count = 0;
            status.last_connected_at = Some(now);
        });
        self.observe(Observation::Connected);
        self.observe(Observation::ConnectionsUp(after.up));
        tracing::info!(app = %after.app, stream.up = after.up, stream.wanted = after.wanted, "stream link is up");
        if before.degraded {
            self.observe(Observation::Degraded(false));
            tracing::info!(app = %after.app, "stream has recovered");
        }
    }

    /// A link went down.
    pub fn disconnected(&self, why: &'static str) {
        let now = self.clock.now();
        let (_, after) = self.change(|status| {
            status.up = status.up.saturating_sub(1);
            status.last_disconnected_at = Some(now);
            if why != "stopped" {
                status.last_error = Some(format!("a link went down: {why}"));
            }
        });
        self.observe(Observation::Disconnected { why });
        self.observe(Observation::ConnectionsUp(after.up));
        tracing::info!(app = %after.app, stream.up = after.up, stream.wanted = after.wanted, why, "stream link is down");
    }

    /// A dial failed; `in_a_row` is how many of that link's did. With no link up, the `limit`-th one means degraded.
    pub fn refused(&self, refused: &Refused, in_a_row: u32, limit: u32) {
        let (before, after) = self.change(|status| {
            status.reconnect_count = status.reconnect_count.saturating_add(1);
            status.last_error = Some(refused.to_string());
            status.misconfigured |= matches!(refused, Refused::Misconfigured { .. });
            status.degraded |= status.up == 0 && in_a_row >= limit;
        });
        if after.misconfigured && !before.misconfigured {
            tracing::error!(app = %after.app, reason = %refused, "stream needs a change of settings; trying slowly");
        } else {
            tracing::warn!(app = %after.app, reason = %refused, in_a_row, "stream link cannot be opened");
        }
        if after.degraded && !before.degraded {
            self.observe(Observation::Degraded(true));
            tracing::error!(app = %after.app, reason = %refused, "stream is degraded: no link for long; trying on");
        }
    }

    /// A heartbeat was sent.
    pub fn heartbeat(&self) {
        let now = self.clock.now();
        self.status.send_modify(|status| {
            status.heartbeat_count += 1;
            status.last_heartbeat_at = Some(now);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Status)) -> (Status, Status) {
        let mut states = None;
        self.status.send_modify(|status| {
            let before = status.clone();
            change(status);
            states = Some((before, status.clone()));
        });
        states.unwrap_or_else(|| (self.status.borrow().clone(), self.status.borrow().clone()))
    }
}

/// One link's share of the bytes held for incomplete messages; none when it is gone, however it went.
pub struct PartialBytes {
    board: Arc<Board>,
    held: usize,
}

impl PartialBytes {
    /// A share of nothing.
    #[must_use]
    pub const fn new(board: Arc<Board>) -> Self {
        Self { board, held: 0 }
    }

    /// The link holds so many now.
    pub fn set(&mut self, held: usize) {
        let before = std::mem::replace(&mut self.held, held);
        if before != held {
            self.board.partial_bytes.fetch_add(held, Ordering::Relaxed);
            let total = self.board.partial_bytes.fetch_sub(before, Ordering::Relaxed) - before;
            self.board.observe(Observation::PartialBytes(total));
        }
    }
}

impl Drop for PartialBytes {
    fn drop(&mut self) {
        self.set(0);
    }
}
