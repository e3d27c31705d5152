//! The only place that reads the time.
//!
//! Times are milliseconds since the Unix epoch. The clock runs with tokio's and can be moved ahead or stopped by the control API, so
//! that a test makes a token expire without waiting for it. Moving it back is not offered: no platform's clock does that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

/// What time it is at the simulated platforms.
#[derive(Debug)]
pub struct Clock {
    hand: Mutex<Hand>,
    /// Multiplies the periods that a platform fixes (not the lifetimes that are settings).
    scale: f64,
    /// Counts the times that somebody touched the hand.
    touched: watch::Sender<u64>,
}

/// It was `at_ms` at `since`, and has run since; or it stands still at `at_ms`.
#[derive(Debug)]
struct Hand {
    at_ms: i64,
    since: Option<Instant>,
}

impl Hand {
    fn now_ms(&self) -> i64 {
        let run = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.at_ms.saturating_add(milliseconds(run))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Clock {
    /// Starts at the wall clock's time. `scale` multiplies every fixed period, see [`Clock::period_ms`].
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this type is the owner of the clock")]
    pub fn start(scale: f64) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let hand = Hand { at_ms: milliseconds(since_epoch), since: Some(Instant::now()) };
        Self { hand: Mutex::new(hand), scale, touched: watch::Sender::new(0) }
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.hand().now_ms()
    }

    /// Moves the clock ahead.
    pub fn advance(&self, by: Duration) {
        let mut hand = self.hand();
        hand.at_ms = hand.at_ms.saturating_add(milliseconds(by));
        drop(hand);
        self.touched.send_modify(|count| *count += 1);
    }

    /// Lets the clock stand still, or run on from where it stands.
    pub fn freeze(&self, frozen: bool) {
        let mut hand = self.hand();
        hand.at_ms = hand.now_ms();
        hand.since = (!frozen).then(Instant::now);
        drop(hand);
        self.touched.send_modify(|count| *count += 1);
    }

    /// Waits until it is `at_ms` on this clock, however it gets there.
    pub async fn reach(&self, at_ms: i64) {
        let mut touched = self.touched.subscribe();
        loop {
            touched.borrow_and_update();
            let (now_ms, runs) = {
                let hand = self.hand();
                (hand.now_ms(), hand.since.is_some())
            };
            let Ok(left_ms) = u64::try_from(at_ms - now_ms) else {
                return;
            };
            if left_ms == 0 {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left_ms)), if runs => {}
                // The sender lives as long as the clock, so this cannot fail.
                _ = touched.changed() => {}
            }
        }
    }

    /// A period that the platform fixes, given in seconds, as scaled milliseconds (at least one).
    #[must_use]
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "periods are below 2^40 ms")]
    pub fn period_ms(&self, seconds: i64) -> i64 {
        ((seconds as f64 * 1000.0 * self.scale) as i64).max(1)
    }

    /// The scale given at the start.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_with_tokio_and_can_be_moved_ahead_and_stopped() {
        let clock = Clock::start(0.5);
        let start = clock.now_ms();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now_ms() - start, 2000);
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.now_ms() - start, 5000);
        clock.freeze(true);
        tokio::time::advance(Duration::from_secs(1)).await;
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now_ms() - start, 6000);
        clock.freeze(false);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now_ms() - start, 7000);
        assert_eq!(clock.period_ms(10), 5000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_is_reached_by_running_or_by_being_moved() {
        let clock = Clock::start(1.0);
        let start = clock.now_ms();
        clock.reach(start + 2000).await;
        assert_eq!(clock.now_ms() - start, 2000);
        clock.freeze(true);
        let moved = async {
            tokio::time::advance(Duration::from_mins(1)).await;
            clock.advance(Duration::from_secs(3));
        };
        tokio::join!(clock.reach(start + 5000), moved);
        assert_eq!(clock.now_ms() - start, 5000);
    }
}
