//! A job that runs once over all replicas: when it runs, and what a run did.

use std::fmt;
use std::time::Duration;

use crate::domain::clock::Timestamp;

/// What a run did: how many of what, in words of our own.
pub type Counts = Vec<(&'static str, u64)>;

/// When a job runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// When so much time has passed since the last run.
    Every(Duration),
    /// Only when somebody says so.
    OnDemand,
}

impl Schedule {
    /// When the next run is due that follows `after`. However many were missed, it is one.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Timestamp {
        match self {
            Self::Every(period) => after.plus(*period),
            Self::OnDemand => Timestamp::from_micros(i64::MAX),
        }
    }

    /// When the first run of all is due: what has a period has waited for long enough.
    #[must_use]
    pub fn first(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Every(_) => now,
            other => other.next(now),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {} s", period.as_secs()),
            Self::OnDemand => f.write_str("by command only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_period_counts_from_the_run_and_the_first_run_is_at_once() {
        let hourly = Schedule::Every(Duration::from_hours(1));
        assert_eq!(hourly.first(NOW), NOW);
        assert_eq!(hourly.next(NOW), NOW.plus(Duration::from_hours(1)));
        assert_eq!(hourly.to_string(), "every 3600 s");
    }

    #[test]
    fn what_runs_by_command_only_is_never_due() {
        assert!(Schedule::OnDemand.first(NOW) > NOW.plus(Duration::from_hours(24 * 365 * 1_000)));
    }
}
