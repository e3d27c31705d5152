//! What the platform takes away from grants, and who is asked again for it.

use prometheus::IntCounterVec;

use super::{Builder, Metrics};

/// Its part of the metrics.
pub(super) struct DeadGrants {
    change_total: IntCounterVec,
    reask_total: IntCounterVec,
}

impl DeadGrants {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        let change_total = b.counter(
            "grant_change_total",
            "what the platform said of people's grants, and whether that changed anything",
            &["app_id", "change", "outcome"],
        )?;
        let reask_total = b.counter(
            "reask_total",
            "people to be asked again for a dead grant, by what became of it",
            &["app_id", "outcome"],
        )?;
        Ok(Self { change_total, reask_total })
    }
}

impl Metrics {
    /// The platform said this of people's grants; `applied` unless there was nothing to change (any more).
    pub fn grant_change(&self, app: &str, change: &'static str, applied: bool) {
        let outcome = if applied { "applied" } else { "nothing" };
        self.0.dead_grants.change_total.with_label_values(&[app, change, outcome]).inc();
    }

    /// A person was to be asked again: `asked`, `asked_already`, `put_off`, `unknown`; or the question was
    /// `taken_back`.
    pub fn reask(&self, app: &str, outcome: &'static str) {
        self.0.dead_grants.reask_total.with_label_values(&[app, outcome]).inc();
    }
}
