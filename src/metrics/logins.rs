//! Logins by a code.

use prometheus::IntCounterVec;

use super::{Builder, Metrics};

/// Its part of the metrics.
pub(super) struct Logins {
    total: IntCounterVec,
}

impl Logins {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        let help = "logins by a code, by what became of them";
        Ok(Self { total: b.counter("identity_total", help, &["app_id", "outcome"])? })
    }
}

impl Metrics {
    /// A code was presented: `verified`, or why it was not.
    pub fn identity(&self, app: &str, outcome: &'static str) {
        self.0.logins.total.with_label_values(&[app, outcome]).inc();
    }
}
