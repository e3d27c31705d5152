//! What finishes by itself: sessions whose time is up, and exchanges that a crash left.

use std::time::Duration;

use crate::auth_session::amend::AmendError;
use crate::auth_session::{AuthSessions, Keep};
use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::ids::AppId;
use crate::domain::job::Counts;
use crate::store::{Old, StoreError, Sweep};

/// Sessions handled in one run.
const BATCH: u64 = 256;

/// An exchange that another process may still be at is left alone for this long: its time-out and its store.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(90);

/// Why a session was not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// There is no such session.
    #[error("there is no such auth session")]
    Unknown,
    /// It is over, or a code is being exchanged.
    #[error("{0}")]
    Conflict(crate::domain::auth_session::InvalidTransition),
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthSessions {
    /// Ends what is overdue.
    pub async fn run_expiry(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        for session in self.0.store.overdue_sessions(now, BATCH).await? {
            self.change(&session, |session| session.expired(now)).await?;
        }
        Ok(())
    }

    /// Takes up exchanges that nobody is at. `at_start` is for the first run of the only process on its database:
    /// what is exchanging then was left by its former self and need not be waited for.
    pub async fn run_exchanges(&self, at_start: bool) -> Result<(), StoreError> {
        let patience = if at_start { Duration::ZERO } else { LEFT_BEHIND_AFTER };
        let before = self.0.clock.now().minus(patience);
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        for session in self.0.store.exchanging_sessions(&apps, before, BATCH).await? {
            self.spawn_exchange(&session.id);
        }
        Ok(())
    }

    /// Deletes or counts what nobody asks for any more.
    pub async fn run_cleanup(&self, sweep: Sweep) -> Result<Counts, StoreError> {
        let (now, Keep { sessions, events }) = (self.0.clock.now(), self.0.settings.keep);
        let lifted = self.0.store.sweep(Old::LiftedSuspensions, now.minus(events), sweep).await?;
        let sessions = self.0.store.sweep(Old::EndedSessions, now.minus(sessions), sweep).await?;
        let events = self.0.store.sweep(Old::Events, now.minus(events), sweep).await?;
        Ok(vec![("auth_sessions", sessions), ("events", events), ("lifted_suspensions", lifted)])
    }

    /// One caller withdraws its question. Done all the same if the caller does not wait for it.
    pub async fn withdraw(&self, id: &AuthSessionId, requester: &str) -> Result<AuthSession, WithdrawError> {
        let (this, id, requester) = (self.clone(), id.clone(), requester.to_owned());
        let now = self.0.clock.now();
        let withdrawn = self
            .0
            .tasks
            .tracker
            .spawn(async move { this.amend(&id, |session| session.withdrawn_by(&requester, now)).await });
        match withdrawn.await.unwrap_or(Err(AmendError::Store(StoreError::contended()))) {
            Ok(stored) => Ok(stored),
            Err(AmendError::Unknown) => Err(WithdrawError::Unknown),
            Err(AmendError::Invalid(error)) => Err(WithdrawError::Conflict(error)),
            Err(AmendError::Store(error)) => Err(error.into()),
        }
    }
}
