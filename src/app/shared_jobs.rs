//! Jobs that run once over all replicas: looking for what is due, claiming it, running it, and saying what came of it.
//!
//! Each process looks at the table of jobs now and then; who gets the claim runs the job, the others go on. While it runs
//! the claim is kept; a process that has lost it (it was stopped for longer than the lease) stops the work, and a process
//! that dies leaves it to whoever looks after the lease. So a run may begin a second time, and its work has to be such
//! that this does no harm. However many times were missed while nobody looked, it is one run.
//!
//! What takes long or matters to the whole database is such a job: clean-up, the journal, what calls the platform for
//! many people. The sweeps that find rows that are due (`cards`, `device_polls`, `expiry`, `exchanges`, `reask`,
//! `take_back`, `refresh`, `identities`, `expiry_watch`) run in each process instead: each row is claimed by whoever gets it, several
//! processes share the work, and one of them alone would be slower and a single point of failure. So does what is one
//! process's own: `waiters` looks after who waits there, and the spool that `refresh` empties is its folder.

mod work;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Base;
use crate::config::Jobs as Settings;
use crate::domain::clock::Clock;
use crate::domain::ids::AttemptId;
use crate::domain::job::Counts;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;
use crate::store::{ClaimedJob, JobClaim, JobRecord, Store, StoreError, Sweep};

pub(super) use work::{Job, Work};

/// When a job that failed is tried again, unless its time comes earlier.
const RETRY: Duration = Duration::from_mins(5);

/// The jobs. Clones share everything.
#[derive(Clone)]
pub(super) struct SharedJobs(Arc<Inner>);

struct Inner {
    store: Store,
    work: Work,
    lease: Duration,
    /// This start of this process, as claims name it.
    owner: String,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    shutdown: Shutdown,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// It did this.
    Done(Counts),
    /// It failed, for this reason.
    Failed(String),
    /// The process ends; somebody else will run it.
    Stopped,
    /// Another process has taken it over.
    Lost,
}

impl SharedJobs {
    pub(super) fn new(base: &Base, settings: &Settings, work: Work) -> Self {
        Self(Arc::new(Inner {
            store: base.store.clone(),
            work,
            lease: settings.lease,
            owner: AttemptId::generate(base.ambient.clock.now(), &*base.ambient.random).to_string(),
            clock: Arc::clone(&base.ambient.clock),
            metrics: base.metrics.clone(),
            shutdown: base.shutdown.clone(),
        }))
    }

    /// Makes the jobs known that are not.
    pub(super) async fn add(&self) -> Result<(), StoreError> {
        let Inner { store, work, clock, .. } = &*self.0;
        for job in Job::ALL {
            store.add_job(job.name(), &work.schedule(job), clock.now()).await?;
        }
        Ok(())
    }

    /// Makes the jobs known, and this process's schedules theirs.
    pub(super) async fn announce(&self) -> Result<(), StoreError> {
        self.add().await?;
        let Inner { store, work, clock, .. } = &*self.0;
        for job in Job::ALL {
            store.reschedule_job(job.name(), &work.schedule(job), clock.now()).await?;
        }
        Ok(())
    }

    /// What a run would do; nothing is claimed or changed.
    pub(super) async fn would_do(&self, job: Job) -> Result<Counts, StoreError> {
        self.0.work.run(job, Sweep::Count).await
    }

    /// Starts what is due and nobody is at.
    pub(super) async fn poll(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        for record in self.0.store.jobs().await? {
            let Some(job) = Job::ALL.into_iter().find(|job| job.name() == record.name) else { continue };
            self.show(job, &record);
            if record.due_at > now || self.0.shutdown.soft.is_cancelled() {
                continue;
            }
            if let ClaimedJob::Won(claim) = self.claim(job, false).await? {
                let this = self.clone();
                self.0.shutdown.spawn(async move { drop(this.run(job, claim).await) });
            }
        }
        Ok(())
    }

    /// The last success is the same everywhere, whoever had it.
    fn show(&self, job: Job, record: &JobRecord) {
        if let Some(at) = record.succeeded_at {
            self.0.metrics.job_succeeded(job.name(), at.as_secs());
        }
    }

    /// Claims the job, if it is due or `at_once`.
    pub(super) async fn claim(&self, job: Job, at_once: bool) -> Result<ClaimedJob, StoreError> {
        let Inner { store, owner, lease, clock, .. } = &*self.0;
        store.claim_job(job.name(), owner, *lease, at_once, clock.now()).await
    }

    /// Runs what was claimed.
    pub(super) async fn run(&self, job: Job, claim: JobClaim) -> Ran {
        let Inner { clock, metrics, shutdown, .. } = &*self.0;
        if claim.taken_over {
            tracing::warn!(job = job.name(), "the process that ran a job is dead: it is run again");
            metrics.job_ran(job.name(), "abandoned");
        }
        tracing::debug!(job = job.name(), "a job begins");
        let began = clock.reading();
        let ran = tokio::select! {
            ran = self.work(job) => ran,
            () = self.keep(&claim) => Ran::Lost,
            () = shutdown.soft.cancelled() => Ran::Stopped,
        };
        metrics.job_took(job.name(), clock.reading().saturating_sub(began).as_secs_f64());
        metrics.job_ran(job.name(), ran.word());
        if let Err(error) = self.end(job, &claim, &ran).await {
            tracing::warn!(job = job.name(), %error, "what came of a job could not be noted: it will run again");
        }
        ran
    }

    async fn work(&self, job: Job) -> Ran {
        match AssertUnwindSafe(self.0.work.run(job, Sweep::Delete)).catch_unwind().await {
            Ok(Ok(counts)) => Ran::Done(counts),
            Ok(Err(error)) => Ran::Failed(error.to_string()),
            Err(_) => Ran::Failed("it panicked".to_owned()),
        }
    }

    /// Keeps the claim; ends when it is another's. A database that is away is no reason to stop: if it stays away, so
    /// does the work.
    async fn keep(&self, claim: &JobClaim) {
        let Inner { store, lease, clock, .. } = &*self.0;
        loop {
            tokio::time::sleep(*lease / 3).await;
            if let Ok(false) = store.keep_job(claim, *lease, clock.now()).await {
                return;
            }
        }
    }

    async fn end(&self, job: Job, claim: &JobClaim, ran: &Ran) -> Result<(), StoreError> {
        let Inner { store, work, clock, metrics, .. } = &*self.0;
        let now = clock.now();
        let next = work.schedule(job).next(now);
        match ran {
            Ran::Done(counts) => {
                for (item, count) in counts {
                    metrics.job_did(job.name(), item, *count);
                }
                metrics.job_succeeded(job.name(), now.as_secs());
                tracing::info!(job = job.name(), ?counts, "a job is done");
                store.end_job(claim, &Ok(counts.clone()), next, now).await?;
            }
            Ran::Failed(error) => {
                tracing::warn!(job = job.name(), %error, "a job failed and will run again");
                store.end_job(claim, &Err(error.clone()), next.min(now.plus(RETRY)), now).await?;
            }
            Ran::Stopped => store.give_job_back(claim).await?,
            Ran::Lost => tracing::warn!(job = job.name(), "a job was taken over by another process"),
        }
        Ok(())
    }
}

impl Ran {
    const fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }
}
