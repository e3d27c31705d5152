//! Which work runs by the clock: in each process, or once over all of them (`shared_jobs`, where it says why).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::Base;
use super::shared_jobs::{SharedJobs, Work};
use crate::auth_session::AuthSessions;
use crate::config::{Config, Reask};
use crate::grants::Grants;
use crate::jobs::Periodic;
use crate::login::Login;

/// Starts every job.
pub(super) fn start(base: &Base, config: &Config, (auth_sessions, grants, login): (&AuthSessions, &Grants, Login)) {
    if !base.store.is_shared() {
        take_up_what_was_left(base, auth_sessions);
    }
    macro_rules! job {
        ($name:literal, $secs:literal, $nudge:expr, $method:ident($($arg:expr),*)) => {
            let work = auth_sessions.clone();
            let job = periodic(base, $name, Duration::from_secs($secs), $nudge);
            base.shutdown.spawn(job.run(base.shutdown.soft.clone(), move || {
                let work = work.clone();
                async move { work.$method($($arg),*).await }
            }));
        };
    }
    job!("cards", 5, auth_sessions.card_nudge(), run_cards());
    job!("device_polls", 1, auth_sessions.device_nudge(), run_device_polls());
    job!("expiry", 5, Arc::default(), run_expiry());
    job!("exchanges", 30, Arc::default(), run_exchanges(false));
    job!("take_back", 5, auth_sessions.take_back_nudge(), run_take_back());
    if config.auth.reask == Reask::AtOnce {
        job!("reask", 15, auth_sessions.reask_nudge(), run_reask());
    }
    if base.store.is_shared() {
        waiters(base, auth_sessions);
    }
    refreshing(base, grants);
    let user_info = config.user_info.sync.clone();
    let (auth_sessions, grants) = (auth_sessions.clone(), grants.clone());
    shared(base, config, Work { auth_sessions, grants, login, user_info });
}

/// What other processes did, for the callers who wait here. On a file there is no other.
fn waiters(base: &Base, auth_sessions: &AuthSessions) {
    let work = auth_sessions.clone();
    let job = periodic(base, "waiters", Duration::from_millis(400), Arc::default());
    base.shutdown.spawn(job.run(base.shutdown.soft.clone(), move || {
        let work = work.clone();
        async move { work.run_waiters().await }
    }));
}

/// Refreshing what is due, with what lies in the spool.
fn refreshing(base: &Base, grants: &Grants) {
    if base.ambient.refreshes_by_itself {
        let (work, clock) = (grants.clone(), Arc::clone(&base.ambient.clock));
        let job = periodic(base, "refresh", Duration::from_secs(1), grants.refresh_nudge());
        base.shutdown.spawn(job.run(base.shutdown.soft.clone(), move || {
            let (work, now) = (work.clone(), clock.now());
            async move { work.run_refreshes(now).await.map(drop) }
        }));
        let (work, clock) = (grants.clone(), Arc::clone(&base.ambient.clock));
        let job = periodic(base, "expiry_watch", Duration::from_mins(10), Arc::default());
        base.shutdown.spawn(job.run(base.shutdown.soft.clone(), move || {
            let (work, now) = (work.clone(), clock.now());
            async move { work.run_expiry_watch(now).await.map(drop) }
        }));
        let (work, clock) = (grants.clone(), Arc::clone(&base.ambient.clock));
        let job = periodic(base, "identities", Duration::from_secs(30), Arc::default());
        base.shutdown.spawn(job.run(base.shutdown.soft.clone(), move || {
            let (work, now) = (work.clone(), clock.now());
            async move { work.run_identities(now).await.map(drop) }
        }));
    }
}

/// Looking for what runs once over all processes.
fn shared(base: &Base, config: &Config, work: Work) {
    let jobs = SharedJobs::new(base, &config.jobs, work);
    let poll = periodic(base, "jobs", config.jobs.poll, Arc::default());
    let soft = base.shutdown.soft.clone();
    base.shutdown.spawn(async move {
        while let Err(error) = jobs.announce().await {
            tracing::warn!(%error, "the jobs could not be made known yet");
            tokio::select! {
                () = soft.cancelled() => return,
                () = tokio::time::sleep(poll.period) => {}
            }
        }
        let soft = soft.clone();
        poll.run(soft, move || {
            let jobs = jobs.clone();
            async move { jobs.poll().await }
        })
        .await;
    });
}

/// This process holds the lock of its file: what is exchanging now was left by its former self. On a server it may be
/// at work in another process, and the sweeps take it up when it has had the time that it may take.
fn take_up_what_was_left(base: &Base, auth_sessions: &AuthSessions) {
    let first = auth_sessions.clone();
    base.shutdown.spawn(async move {
        let (exchanges, cards) = (first.run_exchanges(true).await, first.run_abandoned_cards().await);
        if let Err(error) = exchanges.and(cards) {
            tracing::warn!(%error, "what a crash left could not be taken up yet; the sweeps will");
        }
    });
}

fn periodic(base: &Base, name: &'static str, period: Duration, nudge: Arc<Notify>) -> Periodic {
    Periodic {
        name,
        period,
        nudge,
        clock: Arc::clone(&base.ambient.clock),
        random: Arc::clone(&base.ambient.random),
        metrics: base.metrics.clone(),
    }
}
