//! What the platform took away, as far as it concerns those who are asked and those who wait.
//!
//! The change itself is stored elsewhere, together with the session that it ends: this prepares that session, and does
//! afterwards what follows from it.

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, AuthSessionId, Failure};
use crate::domain::clock::Timestamp;
use crate::domain::event::Change;
use crate::domain::hint::Hint;
use crate::domain::ids::{AppId, Subject};
use crate::store::StoreError;

/// A person's session, and what a change makes of it.
#[derive(Debug)]
pub struct Ending {
    before: AuthSession,
    /// To be stored together with the change.
    pub after: AuthSession,
}

impl AuthSessions {
    /// The session that this change of `at` ends: only a person who has left cannot answer any more. A question that
    /// was put later is another one.
    pub async fn ending(&self, app: &AppId, change: &Change, at: Timestamp) -> Result<Option<Ending>, StoreError> {
        let Change::Left(id) = change else { return Ok(None) };
        let subject = Subject { app: app.clone(), id: id.clone() };
        let open = self.0.store.pending_session(&subject).await?;
        let Some(before) = open.filter(|open| open.created_at <= Change::reaches_to(at)) else { return Ok(None) };
        let failed = before.clone().failed(Failure::PersonLeft, self.0.clock.now());
        Ok(failed.ok().map(|failed| Ending { after: self.with_card_due(&before, failed), before }))
    }

    /// The change is stored, and the session as `stored` if it ended one. Nobody waits any longer for what the platform
    /// has taken away; who waits for `let_go` at another process is told to look.
    pub fn changed(
        &self,
        app: &AppId,
        change: &Change,
        ended: Option<(&Ending, &AuthSession)>,
        let_go: Option<AuthSessionId>,
    ) {
        if let Some(id) = let_go {
            (self.0.tell)(Hint::Session(id));
        }
        if let Some((ending, stored)) = ended {
            self.settle(&ending.before, stored);
        }
        if matches!(change, Change::Revoked { refresh: true, .. }) {
            self.0.reask_nudge.notify_one();
        }
        if change.takes_away() {
            self.0.waiters.release(|waiting| {
                waiting.app == *app && change.subject().is_none_or(|concerned| *concerned == waiting.id)
            });
        }
    }
}
