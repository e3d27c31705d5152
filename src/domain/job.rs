//! A job that runs once over all replicas: when it runs, and what a run did.
//!
//! A cron expression has five fields and is read in the time of a zone. Where a clock is put forward, a time that is left
//! out is taken to be the first one after the gap; where it is put back, a time that comes twice is the first of the two.
//! So what runs daily runs once on those days, too.

use std::fmt;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::domain::clock::Timestamp;

/// What a run did: how many of what, in words of our own.
pub type Counts = Vec<(&'static str, u64)>;

/// From here on an expression has to come true. Any time will do: they have no years.
const SOME_TIME: Timestamp = Timestamp::from_secs(1_700_000_000);

/// When a job runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// When so much time has passed since the last run.
    Every(Duration),
    /// By the clock of a zone.
    Cron(Box<Cron>, Zone),
    /// Only when somebody says so.
    OnDemand,
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

/// A schedule that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It is no expression.
    #[error("must be a cron expression of five fields such as 0 2 * * *: {0}")]
    Expression(String),
    /// No day is such a day.
    #[error("is a cron expression that never comes true")]
    Never,
}

/// There is no such zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is none of this name")]
pub struct UnknownZone;

impl std::str::FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        text.parse().map(Self).map_err(|_| UnknownZone)
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);
}

impl Schedule {
    /// A cron expression in the time of a zone.
    pub fn cron(expression: &str, zone: Zone) -> Result<Self, ScheduleError> {
        let five_fields = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = five_fields.parse(expression).map_err(|error| ScheduleError::Expression(error.to_string()))?;
        if occurrence(&cron, zone, SOME_TIME).is_none() {
            return Err(ScheduleError::Never);
        }
        Ok(Self::Cron(Box::new(cron), zone))
    }

    /// When the next run is due that follows `after`. However many were missed, it is one.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Timestamp {
        let never = Timestamp::from_micros(i64::MAX);
        match self {
            Self::Every(period) => after.plus(*period),
            Self::Cron(cron, zone) => occurrence(cron, *zone, after).unwrap_or(never),
            Self::OnDemand => never,
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

fn occurrence(cron: &Cron, zone: Zone, after: Timestamp) -> Option<Timestamp> {
    let after = DateTime::from_timestamp(after.as_secs(), 0)?.with_timezone(&zone.0);
    cron.find_next_occurrence(&after, false).ok().map(|next| Timestamp::from_secs(next.timestamp()))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {} s", period.as_secs()),
            Self::Cron(cron, zone) => write!(f, "{} {}", cron.as_str(), zone.0.name()),
            Self::OnDemand => f.write_str("by command only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn at(text: &str) -> Timestamp {
        Timestamp::from_secs(DateTime::parse_from_rfc3339(text).unwrap().timestamp())
    }

    fn cron(expression: &str, zone: &str) -> Schedule {
        Schedule::cron(expression, zone.parse().unwrap()).unwrap()
    }

    /// The next runs in UTC.
    fn runs(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let mut last = at(from);
        let mut next = || {
            last = schedule.next(last);
            last.to_rfc3339()
        };
        (0..count).map(|_| next()).collect()
    }

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

    #[test]
    fn an_expression_is_read_in_its_zone() {
        let nightly = cron("0 2 * * *", "Asia/Shanghai");
        assert_eq!(runs(&nightly, "2026-11-25T12:00:00Z", 2), ["2026-11-25T18:00:00Z", "2026-11-26T18:00:00Z"]);
        assert_eq!(nightly.first(at("2026-11-25T12:00:00Z")), at("2026-11-25T18:00:00Z"));
        assert_eq!(nightly.to_string(), "0 2 * * * Asia/Shanghai");
        assert_eq!(runs(&cron("0 2 * * *", "UTC"), "2026-11-25T02:00:00Z", 1), ["2026-11-26T02:00:00Z"]);
        let within = Timestamp::from_micros(at("2026-11-25T02:00:00Z").as_micros() + 300_000);
        assert_eq!(cron("0 2 * * *", "UTC").next(within), at("2026-11-26T02:00:00Z"));
        let leap = cron("0 2 29 2 *", "UTC");
        assert_eq!(runs(&leap, "2026-01-01T00:00:00Z", 1), ["2028-02-29T02:00:00Z"]);
    }

    #[test]
    fn a_time_that_a_clock_leaves_out_is_the_first_after_the_gap() {
        // In Berlin the hour from 02:00 on 2026-03-29 is left out.
        let nightly = cron("30 2 * * *", "Europe/Berlin");
        let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(runs(&nightly, "2026-03-27T12:00:00Z", 3), expected);
        // In New York it is the one from 02:00 on 2026-03-08.
        let nightly = cron("0 2 * * *", "America/New_York");
        assert_eq!(runs(&nightly, "2026-03-07T12:00:00Z", 2), ["2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_of_the_two() {
        // In Berlin the hour from 02:00 on 2026-10-25 comes twice.
        let nightly = cron("30 2 * * *", "Europe/Berlin");
        let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        assert_eq!(runs(&nightly, "2026-10-23T12:00:00Z", 3), expected);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for wrong in
            ["", "nonsense", "61 * * * *", "* * * *", "0 0 2 * * *", "0 2 * * * 2030", "0 25 * * *", "* * 0 * *"]
        {
            let error = Schedule::cron(wrong, Zone::UTC).unwrap_err();
            assert!(matches!(error, ScheduleError::Expression(_)), "{wrong}: {error}");
        }
        assert_eq!(Schedule::cron("0 0 31 2 *", Zone::UTC), Err(ScheduleError::Never));
        for wrong in ["", "Berlin", "Europe/Atlantis", "UTC+2", "europe/berlin"] {
            assert_eq!(wrong.parse::<Zone>(), Err(UnknownZone), "{wrong}");
        }
    }
}
