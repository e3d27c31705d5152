//! The one owner of retry timing: doubling intervals with full jitter.
//!
//! The intervals are the `backoff` crate's policy, without its own randomness and without an end: how long something is
//! tried is decided by who tries it. The jitter is drawn from our [`Random`], so that a test can hold it still.
//! Nothing here sleeps, and nothing here knows what is retried.

use std::sync::Arc;
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

use crate::domain::random::{Random, up_to};

/// How a row of retries is spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// No wait is shorter, whatever the jitter draws: the bound on the rate of a hot loop.
    pub floor: Duration,
    /// The first interval; each further one is twice as long.
    pub first: Duration,
    /// No interval is longer.
    pub cap: Duration,
}

impl Pace {
    /// For what usually mends itself: 1 s, 2 s, 4 s … 60 s.
    pub const QUICK: Self =
        Self { floor: Duration::from_millis(250), first: Duration::from_secs(1), cap: Duration::from_mins(1) };

    /// For what a person has to mend: 1 to 2 minutes, then up to 5.
    pub const SLOW: Self =
        Self { floor: Duration::from_mins(1), first: Duration::from_mins(2), cap: Duration::from_mins(5) };
}

/// One row of retries.
pub struct Backoff {
    pace: Pace,
    policy: ExponentialBackoff,
    random: Arc<dyn Random>,
}

impl Backoff {
    /// Starts at the first interval.
    #[must_use]
    pub fn new(pace: Pace, random: Arc<dyn Random>) -> Self {
        let policy = ExponentialBackoff {
            current_interval: pace.first,
            initial_interval: pace.first,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: pace.cap,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Self { pace, policy, random }
    }

    /// How long to wait before the next try: drawn uniformly between the floor and the current interval.
    pub fn next_wait(&mut self) -> Duration {
        let interval = self.policy.next_backoff().unwrap_or(self.pace.cap).min(self.policy.max_interval);
        let floor = self.pace.floor.min(interval);
        floor + up_to(&*self.random, interval.saturating_sub(floor))
    }

    /// It worked: the next row starts at the first interval again.
    pub fn reset(&mut self) {
        self.policy.reset();
    }

    /// Lowers the cap to `limit`, or back up to the pace's own cap; never below the first interval.
    pub fn limit(&mut self, limit: Duration) {
        self.policy.max_interval = self.pace.cap.min(limit).max(self.pace.first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws always the same byte.
    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    /// In seconds, rounded.
    fn waits(pace: Pace, byte: u8, count: usize) -> Vec<u64> {
        let mut backoff = Backoff::new(pace, Arc::new(Fixed(byte)));
        let half = Duration::from_millis(500);
        (0..count).map(|_| (backoff.next_wait() + half).as_secs()).collect()
    }

    #[test]
    fn doubles_from_one_second_to_the_cap() {
        assert_eq!(waits(Pace::QUICK, 0xff, 9), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn jitter_spans_the_whole_interval_above_the_floor() {
        assert_eq!(waits(Pace::SLOW, 0, 3), [60, 60, 60]);
        assert_eq!(waits(Pace::SLOW, 0xff, 4), [120, 240, 300, 300]);
        let mut backoff = Backoff::new(Pace::QUICK, Arc::new(Fixed(0)));
        assert!((0..50).all(|_| backoff.next_wait() == Pace::QUICK.floor));
    }

    #[test]
    fn the_cap_can_be_lowered_and_a_row_started_anew() {
        let mut backoff = Backoff::new(Pace::QUICK, Arc::new(Fixed(0xff)));
        backoff.limit(Duration::from_secs(5));
        let longest = (0..10).map(|_| backoff.next_wait()).max().unwrap();
        assert!(longest <= Duration::from_secs(5) && longest > Duration::from_secs(4));
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(1));
        backoff.limit(Duration::ZERO);
        assert!(backoff.next_wait() <= Duration::from_secs(2));
    }
}
