//! How many unreadable frames a connection may bring before it is replaced.

use std::time::Duration;

use tokio::time::Instant;

/// More than this many within [`WINDOW`] are too many.
pub(super) const BUDGET: u32 = 100;
const WINDOW: Duration = Duration::from_mins(1);

/// The unreadable frames of the present window.
#[derive(Debug)]
pub(super) struct BadFrames {
    since: Instant,
    count: u32,
}

impl BadFrames {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, count: 0 }
    }

    /// Counts one more; whether they are too many.
    pub(super) fn add(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.count += 1;
        self.count > BUDGET
    }
}
