//! The simulated day's platform: strict. It counts requests in sliding windows, spends a refresh token once, and knows when
//! each one ends.

use std::collections::VecDeque;
use std::time::Duration;

use cardkey::domain::clock::Timestamp;

pub(crate) const ACCESS_LIFE: Duration = Duration::from_hours(2);
pub(crate) const REFRESH_LIFE: Duration = Duration::from_hours(7 * 24);

const PER_SECOND: usize = 50;
const PER_MINUTE: usize = 1_000;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Took {
    Pair,
    /// Too many.
    Limited,
    /// The refresh token has ended or was spent: the grant is lost.
    Dead,
}

#[derive(Default)]
pub(crate) struct Platform {
    /// Of each person: the generation whose token lives, and since when.
    tokens: Vec<(i64, Timestamp)>,
    minute: VecDeque<Timestamp>,
    most: Seen,
}

/// The most requests that were seen within any second and any minute.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) in_a_second: usize,
    pub(crate) in_a_minute: usize,
}

impl Platform {
    /// The next person has the first token since then.
    pub(crate) fn knows(&mut self, since: Timestamp) {
        self.tokens.push((1, since));
    }

    pub(crate) fn refresh(&mut self, person: usize, generation: i64, now: Timestamp) -> Took {
        if !self.count(now) {
            return Took::Limited;
        }
        let (living, since) = &mut self.tokens[person];
        if *living != generation || since.plus(REFRESH_LIFE) <= now {
            return Took::Dead;
        }
        (*living, *since) = (generation + 1, now);
        Took::Pair
    }

    pub(crate) const fn seen(&self) -> Seen {
        self.most
    }

    fn count(&mut self, now: Timestamp) -> bool {
        while self.minute.front().is_some_and(|first| now.since(*first) >= Duration::from_mins(1)) {
            self.minute.pop_front();
        }
        let second = self.minute.iter().rev().take_while(|at| now.since(**at) < Duration::from_secs(1)).count();
        if self.minute.len() >= PER_MINUTE || second >= PER_SECOND {
            return false;
        }
        self.minute.push_back(now);
        self.most.in_a_second = self.most.in_a_second.max(second + 1);
        self.most.in_a_minute = self.most.in_a_minute.max(self.minute.len());
        true
    }
}
