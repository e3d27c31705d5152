//! Which jobs run once over all replicas, when, and what each does.

use std::time::Duration;

use crate::auth_session::AuthSessions;
use crate::domain::job::{Counts, Schedule};
use crate::grants::Grants;
use crate::login::Login;
use crate::store::{StoreError, Sweep};

/// A job that runs once over all replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Job {
    /// What nobody asks for any more: ended auth sessions, event ids, lifted suspensions, session keys.
    Cleanup,
    /// The journal of refreshes, and pairs that were set aside.
    Journal,
    /// Grants that died long ago.
    DeadGrants,
    /// What people are called.
    UserInfo,
}

impl Job {
    /// All of them.
    pub(in crate::app) const ALL: [Self; 4] = [Self::Cleanup, Self::Journal, Self::DeadGrants, Self::UserInfo];

    /// Its name: a metric label, a row's key, a word of the command line.
    pub(in crate::app) const fn name(self) -> &'static str {
        match self {
            Self::Cleanup => "cleanup",
            Self::Journal => "journal",
            Self::DeadGrants => "dead_grants",
            Self::UserInfo => "user_info",
        }
    }
}

/// What the jobs do their work with.
#[derive(Clone)]
pub(in crate::app) struct Work {
    pub(in crate::app) auth_sessions: AuthSessions,
    pub(in crate::app) grants: Grants,
    pub(in crate::app) login: Login,
    /// When everybody is looked up.
    pub(in crate::app) user_info: Schedule,
}

impl Work {
    /// When the job runs.
    pub(in crate::app) fn schedule(&self, job: Job) -> Schedule {
        match job {
            Job::Cleanup | Job::Journal => Schedule::Every(Duration::from_hours(1)),
            Job::DeadGrants => Schedule::Every(Duration::from_hours(24)),
            Job::UserInfo => self.user_info.clone(),
        }
    }

    /// Does the job's work, or with [`Sweep::Count`] says what it would do.
    pub(in crate::app) async fn run(&self, job: Job, sweep: Sweep) -> Result<Counts, StoreError> {
        match job {
            Job::Cleanup => {
                let mut counts = self.auth_sessions.run_cleanup(sweep).await?;
                counts.extend(self.login.run_cleanup(sweep).await?);
                Ok(counts)
            }
            Job::Journal => self.grants.run_forget(sweep).await,
            Job::DeadGrants => self.grants.run_dead_grants(sweep).await,
            Job::UserInfo => self.grants.run_user_info(sweep).await,
        }
    }
}
