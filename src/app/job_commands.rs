//! `cardkey jobs`: what runs once over all replicas, and running one of it now, beside gateways that may be running.
//!
//! A run by command is a run like any other: it is claimed, so that nobody else runs the job meanwhile, and it counts as
//! the job's last one.

use super::app_tokens::AppTokens;
use super::shared_jobs::{Job, Ran, SharedJobs, Work};
use super::{
    Ambient, Base, StartError, SystemClock, ambient, auth_sessions, logins, output, platforms, refreshing, with_store,
};
use crate::config::Config;
use crate::domain::clock::{Clock as _, Timestamp};
use crate::domain::hint;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;
use crate::store::{ClaimedJob, JobRecord, Store};

/// What is to be done with jobs.
#[derive(Debug)]
pub enum Jobs {
    /// List them.
    List,
    /// Run one now.
    Run {
        /// Its name.
        name: String,
        /// Only say what it would do.
        dry_run: bool,
    },
}

impl Jobs {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), StartError> {
        match self {
            Self::List => with_store(config, true, list).await,
            Self::Run { name, dry_run } => {
                let job = known(&name)?;
                ambient::install_tls_provider();
                with_store(config, true, |store| async move { at_once(config, store, job, dry_run).await }).await
            }
        }
    }
}

fn known(name: &str) -> Result<Job, StartError> {
    let named = Job::ALL.into_iter().find(|job| job.name() == name);
    let all = || Job::ALL.map(Job::name).join(", ");
    named.ok_or_else(|| StartError::Usage(format!("there is no job {name}; the jobs are: {}", all())))
}

async fn list(store: Store) -> Result<(), StartError> {
    let records = store.jobs().await?;
    for job in Job::ALL {
        match records.iter().find(|record| record.name == job.name()) {
            Some(record) => output::print(&line(record, SystemClock.now()))?,
            None => output::print(&format!("{}\tno gateway has been started with it yet", job.name()))?,
        }
    }
    Ok(())
}

fn line(job: &JobRecord, now: Timestamp) -> String {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let JobRecord { name, schedule, due_at, successes, failures, abandoned, .. } = job;
    let next = if due_at.as_micros() == i64::MAX { "never".to_owned() } else { due_at.to_string() };
    let mut parts = vec![
        name.clone(),
        schedule.clone(),
        format!("last success: {}", at(job.succeeded_at)),
        format!("next: {next}"),
        format!("runs: {successes} ok, {failures} failed, {abandoned} abandoned"),
    ];
    if !job.counts.is_empty() {
        let counts = job.counts.iter().map(|(item, count)| (item.as_str(), *count));
        parts.push(format!("did: {}", listed(counts)));
    }
    if job.owner.is_some() {
        let lives = job.lease_until.is_some_and(|until| until > now);
        let word = if lives { "running since" } else { "broke off after" };
        parts.push(format!("{word} {}", at(job.started_at)));
    } else if let Some(error) = &job.error {
        parts.push(format!("failed {}: {error}", at(job.ended_at)));
    }
    parts.join("\t")
}

fn listed<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> String {
    let counts: Vec<String> = counts.into_iter().map(|(item, count)| format!("{item} {count}")).collect();
    counts.join(", ")
}

async fn at_once(config: &Config, store: Store, job: Job, dry_run: bool) -> Result<(), StartError> {
    let ambient = Ambient::default();
    // Nothing here needs an app's own token, and nobody else on the database waits for what is done by command.
    let platforms = platforms::build(config, &ambient, &AppTokens::default())?;
    let (metrics, shutdown, tell) = (Metrics::new()?, Shutdown::default(), hint::nobody());
    let base = Base { ambient, metrics, shutdown, store, tell };
    let auth_sessions = auth_sessions(&base, config, &platforms);
    let grants = refreshing::grants(&base, config, &platforms, &auth_sessions);
    let (login, user_info) = (logins::login(&base, &platforms), config.user_info.sync.clone());
    let jobs = SharedJobs::new(&base, &config.jobs, Work { auth_sessions, grants, login, user_info });
    let done = if dry_run { count(&jobs, job).await } else { run(&jobs, job).await };
    base.shutdown.finish().await;
    done
}

async fn count(jobs: &SharedJobs, job: Job) -> Result<(), StartError> {
    let counts = jobs.would_do(job).await?;
    output::print(&format!("{} would do: {}; nothing was changed", job.name(), listed(counts)))
}

async fn run(jobs: &SharedJobs, job: Job) -> Result<(), StartError> {
    jobs.add().await?;
    let ClaimedJob::Won(claim) = jobs.claim(job, true).await? else {
        return Err(StartError::Command(format!("{} is running already", job.name())));
    };
    match jobs.run(job, claim).await {
        Ran::Done(counts) => output::print(&format!("{}: {}", job.name(), listed(counts))),
        Ran::Failed(error) => Err(StartError::Command(format!("{} failed: {error}", job.name()))),
        Ran::Stopped | Ran::Lost => {
            Err(StartError::Command(format!("{} was taken over by another process", job.name())))
        }
    }
}
