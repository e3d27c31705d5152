//! Every metric, in one registry that belongs to this gateway (never the global one, so that tests stay apart).
//!
//! The ten of requirement R-LARK-65 come first, under the prefix `cardkey_`. Labels are bounded: app ids come from the
//! configuration, everything else from this code.

mod dead_grants;
mod hints;
mod jobs;
mod logins;
mod refresh;
mod user_info;
mod webhook;

use std::sync::Arc;

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, PullingGauge, Registry, TextEncoder, core::Collector,
};

use dead_grants::DeadGrants;
pub use refresh::InFlight;

/// All metrics. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    websocket_connection_status: IntGaugeVec,
    websocket_reconnect_total: IntCounterVec,
    auth_session_total: IntCounterVec,
    auth_session_active: IntGaugeVec,
    auth_session_expired_total: IntCounterVec,
    auth_success_total: IntCounterVec,
    auth_failure_total: IntCounterVec,
    auth_duration_seconds: HistogramVec,
    token_refresh_total: IntCounterVec,
    token_active_count: IntGaugeVec,
    hints: hints::Hints,
    logins: logins::Logins,
    refresh: refresh::Refresh,
    user_info: user_info::UserInfo,
    webhook: webhook::Webhook,
    stream_links: IntGaugeVec,
    stream_degraded: IntGaugeVec,
    stream_partial_bytes: IntGaugeVec,
    frame_bad_total: IntCounterVec,
    event_total: IntCounterVec,
    event_ack_seconds: HistogramVec,
    dead_grants: DeadGrants,
    http_requests_total: IntCounterVec,
    api_key_refused_total: IntCounterVec,
    jobs: jobs::Jobs,
    vault_encryptions_total: IntCounterVec,
}

/// Which phase of a reconnect is counted.
#[derive(Debug, Clone, Copy)]
pub enum Reconnect {
    /// A dial begins.
    Attempt,
    /// The link is up.
    Success,
    /// The dial failed.
    Failure,
}

/// A finished authorization, for [`Metrics::auth_ended`].
#[derive(Debug, Clone, Copy)]
pub enum AuthEnd {
    /// Granted, this many seconds after the session was opened.
    Success {
        /// Seconds from asking to the stored token.
        seconds: f64,
    },
    /// Not granted, for this reason.
    Failure {
        /// A word of our own, e.g. `user_rejected`.
        reason: &'static str,
    },
}

/// Two metrics contradict each other: a mistake in this program.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MetricsError(#[from] prometheus::Error);

struct Builder(Registry);

impl Builder {
    fn keep<C: Collector + Clone + 'static>(&self, collector: prometheus::Result<C>) -> prometheus::Result<C> {
        let collector = collector?;
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(format!("cardkey_{name}"), help), labels))
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.keep(IntGaugeVec::new(Opts::new(format!("cardkey_{name}"), help), labels))
    }

    /// One whose value is looked up whenever somebody asks.
    fn asked_gauge(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let gauge = PullingGauge::new(format!("cardkey_{name}"), help, Box::new(read))?;
        self.0.register(Box::new(gauge))
    }

    fn histogram(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> prometheus::Result<HistogramVec> {
        let opts = HistogramOpts::new(format!("cardkey_{name}"), help).buckets(buckets.to_vec());
        self.keep(HistogramVec::new(opts, labels))
    }
}

impl Metrics {
    /// A fresh registry with every metric in it.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let b = Builder(registry.clone());
        let (app, method) = (&["app_id"], &["app_id", "auth_method"]);
        Ok(Self(Arc::new(Inner {
            websocket_connection_status: b.gauge(
                "websocket_connection_status",
                "1 while at least one link of the app's event stream is up",
                app,
            )?,
            websocket_reconnect_total: b.counter(
                "websocket_reconnect_total",
                "dials of the event stream by outcome",
                &["app_id", "outcome"],
            )?,
            auth_session_total: b.counter("auth_session_total", "auth sessions opened", method)?,
            auth_session_active: b.gauge("auth_session_active", "auth sessions pending now", &["app_id"])?,
            auth_session_expired_total: b.counter(
                "auth_session_expired_total",
                "auth sessions that ran out of time",
                app,
            )?,
            auth_success_total: b.counter("auth_success_total", "auth sessions completed", method)?,
            auth_failure_total: b.counter(
                "auth_failure_total",
                "auth sessions that ended without a grant, by reason",
                &["app_id", "auth_method", "reason"],
            )?,
            auth_duration_seconds: b.histogram(
                "auth_duration_seconds",
                "seconds from asking the person to the stored token",
                method,
                &[1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0],
            )?,
            token_refresh_total: b.counter(
                "token_refresh_total",
                "token refreshes by outcome",
                &["app_id", "outcome"],
            )?,
            token_active_count: b.gauge("token_active_count", "grants that can give a token now or refreshed", app)?,
            hints: hints::Hints::new(&b)?,
            logins: logins::Logins::new(&b)?,
            refresh: refresh::Refresh::new(&b)?,
            user_info: user_info::UserInfo::new(&b)?,
            webhook: webhook::Webhook::new(&b)?,
            stream_links: b.gauge("stream_links", "links of the event stream that are up", &["app_id"])?,
            stream_degraded: b.gauge("stream_degraded", "1 after too many failed dials in a row", &["app_id"])?,
            stream_partial_bytes: b.gauge("stream_partial_bytes", "bytes held of incomplete messages", &["app_id"])?,
            frame_bad_total: b.counter("frame_bad_total", "frames that could not be read", &["app_id", "reason"])?,
            event_total: b.counter("event_total", "pushed events by what became of them", &["app_id", "outcome"])?,
            event_ack_seconds: b.histogram(
                "event_ack_seconds",
                "seconds from a received event to its verdict",
                &["app_id"],
                &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5],
            )?,
            dead_grants: DeadGrants::new(&b)?,
            http_requests_total: b.counter(
                "http_requests_total",
                "answered HTTP requests by route and status",
                &["route", "status"],
            )?,
            api_key_refused_total: b.counter("api_key_refused_total", "API keys refused, by reason", &["reason"])?,
            jobs: jobs::Jobs::new(&b)?,
            vault_encryptions_total: b.counter("vault_encryptions_total", "values sealed, by key", &["key_id"])?,
            registry,
        })))
    }

    /// Everything in the Prometheus text format.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default()
    }

    /// Shows how long the log of the SQLite database is; `read` says it in bytes.
    pub fn sqlite_log(&self, read: impl Fn() -> u64 + Send + Sync + 'static) -> Result<(), MetricsError> {
        #[expect(clippy::cast_precision_loss, reason = "a log of 2^53 bytes is not to be expected")]
        let read = move || read() as f64;
        let help = "bytes in the write-ahead log of the SQLite database";
        Ok(Builder(self.0.registry.clone()).asked_gauge("sqlite_wal_bytes", help, read)?)
    }

    /// How many links of an app's event stream are up.
    pub fn stream_links(&self, app: &str, links: usize) {
        let m = &self.0;
        m.websocket_connection_status.with_label_values(&[app]).set(i64::from(links > 0));
        m.stream_links.with_label_values(&[app]).set(i64::try_from(links).unwrap_or(i64::MAX));
    }

    /// Whether an app's event stream is degraded.
    pub fn stream_degraded(&self, app: &str, degraded: bool) {
        self.0.stream_degraded.with_label_values(&[app]).set(i64::from(degraded));
    }

    /// A dial.
    pub fn reconnect(&self, app: &str, phase: Reconnect) {
        let outcome = match phase {
            Reconnect::Attempt => "attempt",
            Reconnect::Success => "success",
            Reconnect::Failure => "failure",
        };
        self.0.websocket_reconnect_total.with_label_values(&[app, outcome]).inc();
    }

    /// A frame that could not be read.
    pub fn frame_bad(&self, app: &str, reason: &'static str) {
        self.0.frame_bad_total.with_label_values(&[app, reason]).inc();
    }

    /// Bytes held of incomplete messages.
    pub fn partial_bytes(&self, app: &str, bytes: usize) {
        self.0.stream_partial_bytes.with_label_values(&[app]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// What became of an event: `new`, `duplicate`, `foreign`, `failed` or a codec's word.
    pub fn event(&self, app: &str, outcome: &'static str) {
        self.0.event_total.with_label_values(&[app, outcome]).inc();
    }

    /// How long a verdict took.
    pub fn event_acked(&self, app: &str, seconds: f64) {
        self.0.event_ack_seconds.with_label_values(&[app]).observe(seconds);
    }

    /// An auth session was opened.
    pub fn auth_opened(&self, app: &str, method: &'static str) {
        self.0.auth_session_total.with_label_values(&[app, method]).inc();
    }

    /// An auth session ended.
    pub fn auth_ended(&self, app: &str, method: &'static str, end: AuthEnd) {
        let m = &self.0;
        match end {
            AuthEnd::Success { seconds } => {
                m.auth_success_total.with_label_values(&[app, method]).inc();
                m.auth_duration_seconds.with_label_values(&[app, method]).observe(seconds);
            }
            AuthEnd::Failure { reason } => {
                if reason == "expired" {
                    m.auth_session_expired_total.with_label_values(&[app]).inc();
                }
                m.auth_failure_total.with_label_values(&[app, method, reason]).inc();
            }
        }
    }

    /// How many auth sessions are pending and how many grants can give a token.
    pub fn counts(&self, app: &str, pending: u64, active_grants: u64) {
        self.0.auth_session_active.with_label_values(&[app]).set(i64::try_from(pending).unwrap_or(i64::MAX));
        self.0.token_active_count.with_label_values(&[app]).set(i64::try_from(active_grants).unwrap_or(i64::MAX));
    }

    /// A refresh: `success`, `denied`, `rejected`, `unclear`, `unavailable`, `rate_limited`, `misconfigured`.
    pub fn token_refresh(&self, app: &str, outcome: &'static str) {
        self.0.token_refresh_total.with_label_values(&[app, outcome]).inc();
    }

    /// An answered request; `route` is the template, never the path.
    pub fn http_request(&self, route: &str, status: u16) {
        self.0.http_requests_total.with_label_values(&[route, &status.to_string()]).inc();
    }

    /// A refused API key.
    pub fn api_key_refused(&self, reason: &'static str) {
        self.0.api_key_refused_total.with_label_values(&[reason]).inc();
    }

    /// A value was sealed under this master key; its id is one of the configured key ring's.
    pub fn vault_encryption(&self, key_id: &str) {
        self.0.vault_encryptions_total.with_label_values(&[key_id]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_registries_do_not_share_numbers() {
        let (one, two) = (Metrics::new().unwrap(), Metrics::new().unwrap());
        one.auth_opened("cli_a", "redirect");
        assert!(one.render().contains("cardkey_auth_session_total{app_id=\"cli_a\",auth_method=\"redirect\"} 1"));
        assert!(!two.render().contains("cardkey_auth_session_total{"));
    }
}
