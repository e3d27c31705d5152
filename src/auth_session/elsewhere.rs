//! What other processes on the database did, for those who wait here.
//!
//! A process wakes its own waiters itself. What another one stored is seen by looking: once for all who wait, not once for each
//! of them, and only at what somebody waits for, so that the cost follows the sessions waited for. A hint of the
//! other process ([`AuthSessions::hear`]) makes it sooner, and nothing depends on it.

use std::collections::HashSet;

use crate::auth_session::AuthSessions;
use crate::auth_session::waiters::Watched;
use crate::domain::auth_session::AuthSessionId;
use crate::domain::ids::Subject;
use crate::store::StoreError;

/// Sessions looked at in one query.
const BATCH: usize = 500;

impl AuthSessions {
    /// Wakes whoever waits for a session that has moved on or whose person has revoked, and lets go whoever waits for a person that is suspended.
    pub async fn run_waiters(&self) -> Result<(), StoreError> {
        for watched in self.0.waiters.watched().chunks(BATCH) {
            self.look_at(watched).await?;
        }
        Ok(())
    }

    /// Another process may have moved this session on: whoever waits for it looks.
    pub fn hear(&self, id: &AuthSessionId) {
        self.0.waiters.wake(id);
    }

    async fn look_at(&self, watched: &[Watched]) -> Result<(), StoreError> {
        let (ids, people): (Vec<_>, Vec<_>) = watched.iter().map(|watched| (&watched.id, &watched.subject)).unzip();
        let (phases, suspended) = tokio::try_join!(self.0.store.phases(&ids), self.0.store.suspended(&people))?;
        for watched in watched.iter().filter(|watched| watched.has_moved(phases.get(&watched.id))) {
            self.0.waiters.wake(&watched.id);
        }
        let suspended: HashSet<&Subject> =
            people.into_iter().zip(suspended).filter_map(|(it, is)| is.then_some(it)).collect();
        if !suspended.is_empty() {
            self.0.waiters.release(|waiting| suspended.contains(waiting));
        }
        Ok(())
    }
}
