//! Looking people up.

use prometheus::IntCounterVec;

use super::{Builder, Metrics};

/// Its part of the metrics.
pub(super) struct UserInfo {
    total: IntCounterVec,
}

impl UserInfo {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        let help = "people whose name and contact data were asked for again, by what became of it";
        Ok(Self { total: b.counter("user_info_total", help, &["app_id", "outcome"])? })
    }
}

impl Metrics {
    /// A person was looked up: `updated`, `failed`, `mismatched` (the platform named somebody else).
    pub fn user_info(&self, app: &str, outcome: &'static str) {
        self.0.user_info.total.with_label_values(&[app, outcome]).inc();
    }
}
