//! Periodic work: a named function, run by period with jitter or on a nudge.
//!
//! Each process runs it. What has to run once over all replicas is looked for by such a loop and claimed in the store
//! (`app/shared_jobs`).
//!
//! The function does everything that is due *now* and is tested by calling it; this loop is trivial on purpose.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::random::{self, Random};
use crate::metrics::Metrics;

/// A repeated piece of work.
pub struct Periodic {
    /// Its name: a metric label and a word in the logs.
    pub name: &'static str,
    /// The longest time between two runs; up to a tenth of it is taken off at random, so that replicas spread.
    pub period: Duration,
    /// Wakes it before its time.
    pub nudge: Arc<Notify>,
    /// The clock for the metrics.
    pub clock: Arc<dyn Clock>,
    /// The source of the jitter.
    pub random: Arc<dyn Random>,
    /// Where runs are counted and the last success is shown.
    pub metrics: Metrics,
}

impl Periodic {
    /// Runs until `stop`. A run that fails is logged once, here, and tried again at the next time.
    pub async fn run<F, Fut, E>(self, stop: CancellationToken, work: F)
    where
        F: Fn() -> Fut + Send,
        Fut: Future<Output = Result<(), E>> + Send,
        E: std::fmt::Display,
    {
        while !stop.is_cancelled() {
            self.once(&work).await;
            let pause = self.period.saturating_sub(random::up_to(&*self.random, self.period / 10));
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
    async fn once<F, Fut, E>(&self, work: &F)
    where
        F: Fn() -> Fut + Send,
        Fut: Future<Output = Result<(), E>> + Send,
        E: std::fmt::Display,
    {
        let began = self.clock.reading();
        let result = match AssertUnwindSafe(work()).catch_unwind().await {
            Err(_) => {
                tracing::error!(job = self.name, "a periodic job panicked and will run again");
                "failed"
            }
            Ok(Ok(())) => {
                self.metrics.job_succeeded(self.name, self.clock.now().as_secs());
                "ok"
            }
            Ok(Err(error)) => {
                tracing::warn!(job = self.name, %error, "a periodic job failed and will run again");
                "failed"
            }
        };
        self.metrics.job_took(self.name, self.clock.reading().saturating_sub(began).as_secs_f64());
        self.metrics.job_ran(self.name, result);
    }
}
