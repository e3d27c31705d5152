//! `[jobs]`: the work that runs once over all replicas.

use std::time::Duration;

use super::reader::Reader;

/// `[jobs]`.
#[derive(Debug)]
pub struct Jobs {
    /// How often each process looks for what is due.
    pub poll: Duration,
    /// How long after the death of a process another one takes its run up.
    pub lease: Duration,
}

impl Jobs {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        Self {
            poll: Duration::from_secs_f64(reader.fraction("poll_seconds", 0.05..=3_600.0, 15.0)),
            lease: Duration::from_secs_f64(reader.fraction("lease_seconds", 0.2..=3_600.0, 60.0)),
        }
    }
}
