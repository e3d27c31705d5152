//! `[user_info]`: when people's names and contact data are asked for again.

use super::reader::Reader;
use crate::domain::job::{Schedule, Zone};

/// `[user_info]`.
#[derive(Debug)]
pub struct UserInfo {
    /// When everybody is looked up.
    pub sync: Schedule,
}

impl UserInfo {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let enabled = reader.boolean("sync_enabled", false);
        let zone = reader.parsed("sync_timezone", "a time zone such as Asia/Shanghai or UTC").unwrap_or(Zone::UTC);
        let expression = reader.text("sync_schedule").unwrap_or_else(|| "0 2 * * *".to_owned());
        // Also what is not in use must be right, or it fails on the day that it is switched on.
        let sync = Schedule::cron(&expression, zone).unwrap_or_else(|error| {
            reader.problem("sync_schedule", error.to_string());
            Schedule::OnDemand
        });
        Self { sync: if enabled { sync } else { Schedule::OnDemand } }
    }
}
