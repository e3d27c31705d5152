//! The gateway's clock in tests: the real one, moved ahead at will.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cardkey::app::SystemClock;
use cardkey::domain::clock::{Clock, Timestamp};

/// The real time and an offset.
#[derive(Default)]
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    /// Moves ahead.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Moves back, as a platform's clock never does.
    pub(crate) fn set_back(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().as_micros() + self.0.load(Ordering::SeqCst))
    }
}
