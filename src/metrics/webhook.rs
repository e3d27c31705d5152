//! What is counted of events that come by webhook.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::{Builder, Metrics};

pub(super) struct Webhook {
    requests_total: IntCounterVec,
    last_timestamp_seconds: IntGaugeVec,
    fallback: IntGaugeVec,
}

impl Webhook {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        Ok(Self {
            requests_total: b.counter(
                "webhook_requests_total",
                "requests to the webhook by what became of them",
                &["app_id", "outcome"],
            )?,
            last_timestamp_seconds: b.gauge(
                "webhook_last_timestamp_seconds",
                "when the last authentic request came to the webhook",
                &["app_id"],
            )?,
            fallback: b.gauge(
                "webhook_fallback",
                "1 while events are counted on by webhook, because the event stream is degraded",
                &["app_id"],
            )?,
        })
    }
}

impl Metrics {
    /// A request to the webhook; an app that is not configured has no name here.
    pub fn webhook_request(&self, app: &str, outcome: &'static str) {
        self.0.webhook.requests_total.with_label_values(&[app, outcome]).inc();
    }

    /// An authentic request came, at so many seconds since 1970.
    pub fn webhook_heard(&self, app: &str, at_seconds: i64) {
        self.0.webhook.last_timestamp_seconds.with_label_values(&[app]).set(at_seconds);
    }

    /// Whether events are counted on by webhook.
    pub fn webhook_fallback(&self, app: &str, on: bool) {
        self.0.webhook.fallback.with_label_values(&[app]).set(i64::from(on));
    }
}
