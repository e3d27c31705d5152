//! `[cleanup]`: how long what is over is kept. (The journal of refreshes has `refresh.journal_days`.)

use std::time::Duration;

use super::reader::Reader;

/// `[cleanup]`.
#[derive(Debug)]
pub struct Cleanup {
    /// Auth sessions that ended: for callers that come back.
    pub sessions: Duration,
    /// Ids of events: as long as the platform may send one again, at the least.
    pub events: Duration,
    /// Grants that died; nothing: for ever.
    pub dead_grants: Option<Duration>,
}

const DAY: u64 = 24;

impl Cleanup {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let sessions = reader.integer("sessions_days", 1..=3_650, 7).unsigned_abs();
        let events = reader.integer("events_hours", 12..=8_760, 48).unsigned_abs();
        let dead = reader.integer("dead_grants_days", 0..=3_650, 180).unsigned_abs();
        if (1..30).contains(&dead) {
            reader.problem("dead_grants_days", "must be 0 (for ever) or a whole number from 30 to 3650");
        }
        Self {
            sessions: Duration::from_hours(DAY * sessions),
            events: Duration::from_hours(events),
            dead_grants: (dead > 0).then(|| Duration::from_hours(DAY * dead)),
        }
    }
}
