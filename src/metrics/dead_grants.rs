//! What the platform takes away from grants.

use prometheus::IntCounterVec;

use super::{Builder, Metrics};

/// Its part of the metrics.
pub(super) struct DeadGrants {
    change_total: IntCounterVec,
}

impl DeadGrants {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        let change_total = b.counter(
            "grant_change_total",
            "what the platform said of people's grants, and whether that changed anything",
            &["app_id", "change", "outcome"],
        )?;
        Ok(Self { change_total })
    }
}

impl Metrics {
    /// The platform said this of people's grants; `applied` unless there was nothing to change (any more).
    pub fn grant_change(&self, app: &str, change: &'static str, applied: bool) {
        let outcome = if applied { "applied" } else { "nothing" };
        self.0.dead_grants.change_total.with_label_values(&[app, change, outcome]).inc();
    }
}
