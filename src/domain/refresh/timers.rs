//! How long each part of a refresh may take.

use std::time::Duration;

/// How long each part of a refresh may take. All are settings, so that a test can scale them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timers {
    /// The longest wait for the platform's answer, from the moment of sending. Long: an answer that is given up on is lost.
    pub answer: Duration,
    /// The time set aside for saving what came.
    pub save: Duration,
    /// How long a claim keeps others away; longer than the other two together.
    pub lease: Duration,
    /// The pause after the second unclear outcome in a row; the following ones are 6, 24, 120 and 720 times as long.
    pub retry: Duration,
}

impl Timers {
    /// For a platform that never takes a spent token a second time: 60 s for the answer, 10 s to save, a lease of 90 s,
    /// retries at once, after 5 s, 30 s, 2 min, 10 min and then every hour.
    pub const STRICT: Self = Self {
        answer: Duration::from_mins(1),
        save: Duration::from_secs(10),
        lease: Duration::from_secs(90),
        retry: Duration::from_secs(5),
    };

    /// How much of the lease may be used before sending is too late.
    #[must_use]
    pub const fn headroom(&self) -> Duration {
        self.lease.saturating_sub(self.answer).saturating_sub(self.save)
    }

    /// Whether a claim outlives what it is made for.
    #[must_use]
    pub const fn are_sound(&self) -> bool {
        !self.headroom().is_zero() && !self.answer.is_zero() && !self.save.is_zero() && !self.retry.is_zero()
    }

    /// The pause after the `tries`-th unclear outcome in a row, from 1. After the first there is none: whoever sent it knows
    /// that its connection is gone, so a token that was not spent can be sent again at once, and one that was is dead anyway.
    #[must_use]
    pub const fn pause(&self, tries: u32) -> Duration {
        self.retry.saturating_mul(match tries {
            0 | 1 => 0,
            2 => 1,
            3 => 6,
            4 => 24,
            5 => 120,
            _ => 720,
        })
    }
}
