//! `[refresh]`: how tokens are refreshed, as opposed to when (`auth.token_refresh_threshold`, `apps.refresh`).

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;
use crate::domain::refresh::Timers;

/// `[refresh]`.
#[derive(Debug)]
pub struct Refresh {
    /// How long each part of a refresh may take.
    pub timers: Timers,
    /// Refreshes at a time in this process.
    pub in_flight: usize,
    /// The platform's limit for each app, in any second.
    pub per_second: u32,
    /// The same in any minute.
    pub per_minute: u32,
    /// How long the journal is kept.
    pub journal: Duration,
    /// The folder for pairs that could not be saved; absent: beside the database.
    pub spool: Option<PathBuf>,
    /// Whether a person is asked for a new consent before their refresh token ends.
    pub asks_before_expiry: bool,
}

const HOUR: f64 = 3_600.0;

impl Refresh {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let mut seconds = |key, least, default| Duration::from_secs_f64(reader.fraction(key, least..=HOUR, default));
        let timers = Timers {
            answer: seconds("answer_seconds", 0.1, 60.0),
            save: seconds("save_seconds", 0.05, 10.0),
            lease: seconds("lease_seconds", 0.2, 90.0),
            retry: seconds("retry_seconds", 0.05, 5.0),
        };
        if !timers.are_sound() {
            reader.problem("lease_seconds", "must be longer than answer_seconds and save_seconds together");
        }
        let in_flight = reader.integer("in_flight", 1..=1_000, 64);
        let per_second = reader.integer("per_second", 1..=10_000, 50);
        let per_minute = reader.integer("per_minute", 1..=100_000, 1_000);
        let days = reader.integer("journal_days", 1..=3_650, 30).unsigned_abs();
        Self {
            timers,
            in_flight: usize::try_from(in_flight).unwrap_or(64),
            per_second: u32::try_from(per_second).unwrap_or(50),
            per_minute: u32::try_from(per_minute).unwrap_or(1_000),
            journal: Duration::from_hours(24 * days),
            spool: reader.text("spool").map(PathBuf::from),
            asks_before_expiry: reader.word("expiry_notice", &[("log", false), ("card", true)]).unwrap_or(false),
        }
    }
}
