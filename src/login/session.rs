//! The app's session with a person at the platform: whether the key that we hold is still theirs, and another one in its place.

use std::time::Duration;

use super::{IdentifyError, Login, Place};
use crate::domain::ids::{Subject, SubjectId};
use crate::domain::job::Counts;
use crate::store::{Old, StoreError, Sweep};

/// Session keys of people who have not logged in for so long are forgotten: the platform has replaced them by then.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// How the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// The platform takes our key.
    Live,
    /// It does not: the person has to log in before anything of theirs can be opened.
    Over,
}

impl Login {
    /// Deletes or counts the session keys of people who have not logged in for long.
    pub async fn run_cleanup(&self, sweep: Sweep) -> Result<Counts, StoreError> {
        let before = self.0.clock.now().minus(KEPT);
        Ok(vec![("session_keys", self.0.store.sweep(Old::SessionKeys, before, sweep).await?)])
    }

    /// Asks the platform whether our key with this person is theirs; with `renew` it gives us another one if so.
    pub async fn session(&self, place: &Place, id: SubjectId, renew: bool) -> Result<SessionState, IdentifyError> {
        let identities = self.identities(place)?;
        let subject = Subject { app: place.app.clone(), id };
        let keys = self.0.store.session_keys(&subject).await?.ok_or(IdentifyError::NoSession)?;
        if !renew {
            let live = identities.is_session(&subject.id, &keys.current).await?;
            return Ok(if live { SessionState::Live } else { SessionState::Over });
        }
        let Some(key) = identities.renew_session(&subject.id, &keys.current).await? else {
            return Ok(SessionState::Over);
        };
        self.0.store.keep_session_key(&subject, &key, self.0.clock.now()).await?;
        Ok(SessionState::Live)
    }
}
