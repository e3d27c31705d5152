//! What jobs count: those of each process, and those that run once over all replicas.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::{Builder, Metrics};

/// Its part of the metrics.
pub(super) struct Jobs {
    last_success: IntGaugeVec,
    runs_total: IntCounterVec,
    duration_seconds: HistogramVec,
    items_total: IntCounterVec,
}

impl Jobs {
    pub(super) fn new(b: &Builder) -> prometheus::Result<Self> {
        Ok(Self {
            last_success: b.gauge(
                "job_last_success_timestamp_seconds",
                "when a job last succeeded, on whichever replica if it runs once over all",
                &["job"],
            )?,
            runs_total: b.counter("job_runs_total", "runs of a job in this process, by result", &["job", "result"])?,
            duration_seconds: b.histogram(
                "job_duration_seconds",
                "seconds that a run of a job took",
                &["job"],
                &[0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0],
            )?,
            items_total: b.counter(
                "job_items_total",
                "what runs of a job did, by what they counted",
                &["job", "item"],
            )?,
        })
    }
}

impl Metrics {
    /// A job succeeded at this Unix time.
    pub fn job_succeeded(&self, job: &'static str, unix_seconds: i64) {
        self.0.jobs.last_success.with_label_values(&[job]).set(unix_seconds);
    }

    /// A run of a job ended: `ok`, `failed`, `stopped` (the process ends), `lost` (another process took it over), or
    /// `abandoned` (taken over here).
    pub fn job_ran(&self, job: &'static str, result: &'static str) {
        self.0.jobs.runs_total.with_label_values(&[job, result]).inc();
    }

    /// How long a run took that came to its end.
    pub fn job_took(&self, job: &'static str, seconds: f64) {
        self.0.jobs.duration_seconds.with_label_values(&[job]).observe(seconds);
    }

    /// What a run did.
    pub fn job_did(&self, job: &'static str, item: &'static str, count: u64) {
        self.0.jobs.items_total.with_label_values(&[job, item]).inc_by(count);
    }
}
