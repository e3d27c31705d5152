//! Changing a stored session: read, apply, compare-and-set; whoever loses the race reads again.

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, AuthSessionId, InvalidTransition};
use crate::store::{Save, StoreError};

/// How often a lost race is run again. Each loss means that somebody else's change was stored.
const TRIES: usize = 16;

/// Why a session was not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AmendError {
    /// There is no such session.
    #[error("there is no such auth session")]
    Unknown,
    /// Its state does not have this transition (any more).
    #[error(transparent)]
    Invalid(#[from] InvalidTransition),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthSessions {
    /// Applies `change` to the stored session and tells the session before and after it.
    pub(super) async fn amend(
        &self,
        id: &AuthSessionId,
        change: impl Fn(AuthSession) -> Result<AuthSession, InvalidTransition>,
    ) -> Result<AuthSession, AmendError> {
        for _ in 0..TRIES {
            let before = self.0.store.auth_session(id).await?.ok_or(AmendError::Unknown)?;
            let after = self.with_card_due(&before, change(before.clone())?);
            if let Save::Stored(stored) = self.0.store.save_session(after).await? {
                self.settle(&before, &stored);
                return Ok(stored);
            }
        }
        Err(AmendError::Store(StoreError::contended()))
    }
}
