//! What refreshing counts, besides `token_refresh_total`.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use super::{Builder, Metrics};

pub(super) struct Refresh {
    in_flight: IntGaugeVec,
    paused: IntGaugeVec,
    set_aside_total: IntCounterVec,
    spooled_total: IntCounterVec,
    identity_total: IntCounterVec,
    expiry_told_total: IntCounterVec,
    days_to_expiry: IntGaugeVec,
}

impl Refresh {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        Ok(Self {
            in_flight: b.gauge("refresh_in_flight", "refreshes that were let in and are not over", &["app_id"])?,
            paused: b.gauge(
                "refresh_paused",
                "1 while nothing is refreshed ahead for the app, because the platform refuses the app itself",
                &["app_id"],
            )?,
            set_aside_total: b.counter(
                "refresh_set_aside_total",
                "refreshed pairs whose grant had changed when they came",
                &["app_id"],
            )?,
            spooled_total: b.counter(
                "refresh_spooled_total",
                "refreshed pairs written to the spool because the database was away",
                &[],
            )?,
            identity_total: b.counter(
                "refresh_identity_total",
                "refreshed pairs by whose the platform says that they are",
                &["app_id", "outcome"],
            )?,
            expiry_told_total: b.counter(
                "token_expiry_warnings_sent_total",
                "times that a refresh token was told of because it nears its end",
                &["app_id", "level"],
            )?,
            days_to_expiry: b.gauge(
                "refresh_token_days_to_expiry",
                "whole days that are left of the refresh token that ends first, of those told of lately",
                &["app_id"],
            )?,
        })
    }
}

/// Counts as in flight while it lives.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// A refresh of the app was let in; it is over when what is returned is dropped.
    #[must_use]
    pub fn refresh_begins(&self, app: &str) -> InFlight {
        let gauge = self.0.refresh.in_flight.with_label_values(&[app]);
        gauge.inc();
        InFlight(gauge)
    }

    /// Whether refreshing ahead is paused for the app.
    pub fn refresh_paused(&self, app: &str, paused: bool) {
        self.0.refresh.paused.with_label_values(&[app]).set(i64::from(paused));
    }

    /// A refreshed pair came for a grant that had changed.
    pub fn pair_set_aside(&self, app: &str) {
        self.0.refresh.set_aside_total.with_label_values(&[app]).inc();
    }

    /// The platform said whose a refreshed pair is: `same`, `another`, `unknown` (it did not say).
    pub fn pair_identified(&self, app: &str, outcome: &'static str) {
        self.0.refresh.identity_total.with_label_values(&[app, outcome]).inc();
    }

    /// A refresh token was told of: `warning`, `critical`, `expired`.
    pub fn expiry_told(&self, app: &str, level: &'static str) {
        self.0.refresh.expiry_told_total.with_label_values(&[app, level]).inc();
    }

    /// How many days the app's refresh token has that ends first; with nothing, none is near its end.
    pub fn days_to_expiry(&self, app: &str, days: Option<i64>) {
        match days {
            Some(days) => self.0.refresh.days_to_expiry.with_label_values(&[app]).set(days),
            // There is none to be removed: the same.
            None => drop(self.0.refresh.days_to_expiry.remove_label_values(&[app])),
        }
    }

    /// A refreshed pair went to the spool.
    pub fn pair_spooled(&self) {
        self.0.refresh.spooled_total.with_label_values::<&str>(&[]).inc();
    }
}
