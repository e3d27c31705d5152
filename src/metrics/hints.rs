//! What the hints between replicas count.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::{Builder, Metrics};

pub(super) struct Hints {
    connected: IntGaugeVec,
    published_total: IntCounterVec,
    received_total: IntCounterVec,
    dropped_total: IntCounterVec,
}

impl Hints {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        Ok(Self {
            connected: b.gauge("hints_connected", "1 while hints go to and come from the other replicas", &[])?,
            published_total: b.counter("hints_published_total", "hints that the server took", &[])?,
            received_total: b.counter("hints_received_total", "hints of other replicas that were heard", &[])?,
            dropped_total: b.counter("hints_dropped_total", "hints that were told to nobody", &[])?,
        })
    }

    /// Shows the series from the start: a gateway with hints that are down is told from one without.
    fn connected(&self, up: bool) {
        self.connected.with_label_values::<&str>(&[]).set(i64::from(up));
    }
}

fn add(counter: &IntCounterVec, count: usize) {
    counter.with_label_values::<&str>(&[]).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}

impl Metrics {
    /// Whether the server of hints is connected.
    pub fn hints_connected(&self, up: bool) {
        self.0.hints.connected(up);
    }

    /// The server took so many hints.
    pub fn hints_published(&self, count: usize) {
        add(&self.0.hints.published_total, count);
    }

    /// Another replica's hint was heard.
    pub fn hint_received(&self) {
        add(&self.0.hints.received_total, 1);
    }

    /// So many hints went nowhere.
    pub fn hints_dropped(&self, count: usize) {
        add(&self.0.hints.dropped_total, count);
    }
}
