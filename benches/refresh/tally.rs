//! What the simulated day comes to.

use std::time::Duration;

use crate::platform::{Seen, Took};

pub(crate) struct Tally {
    pub(crate) refreshes: u64,
    pub(crate) keep_alives: u64,
    pub(crate) limited: u64,
    pub(crate) lost: u64,
    pub(crate) expired_in_use: u64,
    /// The longest that anything was due and not yet started.
    pub(crate) most_late: Duration,
    /// Of the refresh tokens of idle grants: the least that was left when one was sent.
    pub(crate) least_left_of_idle: Duration,
    pub(crate) least_left_at_the_end: Duration,
    pub(crate) platform: Seen,
    calls: u64,
    /// Of the calls that waited at all.
    waits: Vec<Duration>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            refreshes: 0,
            keep_alives: 0,
            limited: 0,
            lost: 0,
            expired_in_use: 0,
            most_late: Duration::ZERO,
            least_left_of_idle: Duration::MAX,
            least_left_at_the_end: Duration::ZERO,
            platform: Seen::default(),
            calls: 0,
            waits: Vec::new(),
        }
    }
}

impl Tally {
    pub(crate) const fn answer(&mut self, took: Took) {
        match took {
            Took::Pair => {}
            Took::Limited => self.limited += 1,
            Took::Dead => self.lost += 1,
        }
    }

    pub(crate) fn waited(&mut self, wait: Duration) {
        self.calls += 1;
        if !wait.is_zero() {
            self.waits.push(wait);
        }
    }

    pub(crate) const fn calls(&self) -> u64 {
        self.calls
    }

    /// The wait that so many of a hundred calls do not exceed.
    pub(crate) fn wait(&mut self, percent: u64) -> Duration {
        self.waits.sort_unstable();
        let beyond = usize::try_from(self.calls - self.calls * percent / 100).unwrap();
        if beyond > self.waits.len() { Duration::ZERO } else { self.waits[self.waits.len() - beyond.max(1)] }
    }

    pub(crate) fn is_right(&self) -> bool {
        self.limited == 0
            && self.lost == 0
            && self.expired_in_use == 0
            && self.least_left_of_idle >= Duration::from_hours(24)
    }
}
