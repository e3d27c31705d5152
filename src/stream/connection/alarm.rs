//! The one timer of a connection.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at the earliest thing due, or earlier. Ringing too early does no harm, so it is set back only after it rang:
/// setting a timer for every message would cost more than a ring for nothing now and then.
pub(super) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    pub(super) fn new(due: Instant) -> Self {
        Self(Box::pin(sleep_until(due)))
    }

    pub(super) fn set(&mut self, due: Instant, now: Instant) {
        if due < self.0.deadline() || self.is_due(now) {
            self.0.as_mut().reset(due);
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.0.deadline()
    }

    pub(super) async fn rings(&mut self) {
        self.0.as_mut().await;
    }
}
