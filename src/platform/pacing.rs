//! Keeps one app's calls of one kind under the platform's limits: so many a second and so many a minute, counted over any
//! such stretch of time.
//!
//! Calls queue up, first come, first served. The head of the queue waits until [`Pace::gap`] after the call before it (so
//! that jitter on the way does not squeeze too many into a second), until a minute after the call [`Pace::per_minute`] calls
//! before it, and until the end of any silence that the platform asked for (another instance of us may use up the same
//! limit). A call that would wait past its deadline gives up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

const MINUTE: Duration = Duration::from_mins(1);

/// How fast calls of one kind may follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The time from one to the next.
    pub gap: Duration,
    /// The most in a minute.
    pub per_minute: usize,
}

/// The calls of one kind.
pub struct Pacing {
    pace: Pace,
    /// How many wait; only for telling early that a wait is hopeless.
    waiting: AtomicU32,
    not_before: Mutex<Option<Instant>>,
    /// When the last calls were made, oldest first, at most [`Pace::per_minute`]. Held by the head of the queue.
    made: tokio::sync::Mutex<VecDeque<Instant>>,
}

/// The turn would come after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLate {
    /// How long until it is worth trying again.
    pub wait: Duration,
}

/// Counts one that waits, for as long as it waits.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> (Self, u32) {
        let before = count.fetch_add(1, Ordering::Relaxed);
        (Self(count), before)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pacing {
    /// Nothing was called yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace, waiting: AtomicU32::new(0), not_before: Mutex::default(), made: tokio::sync::Mutex::default() }
    }

    /// Waits for the turn.
    pub async fn turn(&self, deadline: Instant) -> Result<(), TooLate> {
        let (_waiting, before) = Waiting::new(&self.waiting);
        let ahead = self.pace.gap * before;
        if Instant::now() + ahead > deadline {
            return Err(TooLate { wait: ahead });
        }
        let queue = timeout_at(deadline, self.made.lock()).await;
        let mut made = queue.map_err(|_| TooLate { wait: ahead })?;
        loop {
            let now = Instant::now();
            let next = self.next(&made);
            match next {
                Some(next) if next > deadline => return Err(TooLate { wait: next - now }),
                Some(next) if next > now => sleep_until(next).await,
                _ => break,
            }
        }
        if made.len() >= self.pace.per_minute {
            made.pop_front();
        }
        made.push_back(Instant::now());
        Ok(())
    }

    /// The platform asks for silence.
    pub fn hold_off(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = (*not_before).max(Some(until));
    }

    /// When the next call may be made; `None` means at once.
    fn next(&self, made: &VecDeque<Instant>) -> Option<Instant> {
        let not_before = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let after_last = made.back().map(|last| *last + self.pace.gap);
        let after_minute = made.front().filter(|_| made.len() >= self.pace.per_minute).map(|first| *first + MINUTE);
        not_before.max(after_last).max(after_minute)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const PACE: Pace = Pace { gap: Duration::from_millis(22), per_minute: 1000 };

    async fn times(pacing: &Pacing, calls: usize, wait: Duration) -> Vec<Result<Duration, TooLate>> {
        let start = Instant::now();
        let one = || async {
            pacing.turn(start + wait).await?;
            Ok(start.elapsed())
        };
        join_all((0..calls).map(|_| one())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_call_does_not_wait() {
        assert_eq!(times(&Pacing::new(PACE), 1, Duration::ZERO).await, [Ok(Duration::ZERO)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_at_once_keep_both_limits() {
        let pacing = Pacing::new(PACE);
        let at: Vec<Duration> =
            times(&pacing, 1200, Duration::from_mins(2)).await.into_iter().map(Result::unwrap).collect();
        assert!(at.is_sorted(), "first come, first served");
        for (calls, stretch) in [(50, Duration::from_secs(1)), (1000, MINUTE)] {
            assert!(at.windows(calls + 1).all(|window| window[calls] >= window[0] + stretch), "{calls}");
        }
        assert!(at[999] < Duration::from_secs(25), "{:?}", at[999]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_come_too_late_gives_up_at_once() {
        let pacing = Pacing::new(PACE);
        let start = Instant::now();
        let at = times(&pacing, 100, Duration::from_secs(1)).await;
        assert!((40..=46).contains(&at.iter().filter(|turn| turn.is_ok()).count()));
        assert!(start.elapsed() <= Duration::from_secs(1));
        assert_eq!(pacing.waiting.load(Ordering::Relaxed), 0);
        assert!(times(&pacing, 1, Duration::from_secs(1)).await[0].is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_asked_for_is_kept_by_who_already_waits() {
        let pacing = Pacing::new(PACE);
        let silence = async {
            pacing.hold_off(Duration::from_secs(3));
            pacing.hold_off(Duration::from_secs(1));
        };
        let (at, ()) = tokio::join!(times(&pacing, 3, Duration::from_secs(10)), silence);
        let later: Vec<u64> = at.into_iter().map(|turn| turn.unwrap().as_secs()).collect();
        assert_eq!(later, [0, 3, 3]);
    }
}
