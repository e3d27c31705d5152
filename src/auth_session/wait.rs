//! Waiting for what a person does: until the session has moved on, the caller's patience is over, the process ends, or there is
//! nothing left to wait for.

use std::time::Duration;

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, AuthSessionId, State};
use crate::store::StoreError;

impl AuthSessions {
    /// The session once it has ended, or as it stands after `patience`, at the end of the process, or when the platform
    /// has taken the person's or the app's rights away.
    pub async fn wait(&self, id: &AuthSessionId, patience: Duration) -> Result<Option<AuthSession>, StoreError> {
        self.wait_while(id, patience, AuthSession::is_pending).await
    }

    /// The session once no code is being exchanged for it any more, or as it stands after `patience`.
    pub async fn wait_exchanged(
        &self,
        id: &AuthSessionId,
        patience: Duration,
    ) -> Result<Option<AuthSession>, StoreError> {
        self.wait_while(id, patience, |session| matches!(session.state, State::Exchanging(_))).await
    }

    async fn wait_while(
        &self,
        id: &AuthSessionId,
        patience: Duration,
        unfinished: impl Fn(&AuthSession) -> bool + Send,
    ) -> Result<Option<AuthSession>, StoreError> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut session = self.find(id).await?;
        let let_go_at = session.as_ref().and_then(|session| session.let_go_at);
        let goes_on = |session: &AuthSession| unfinished(session) && session.let_go_at == let_go_at;
        let is_finished = |session: &Option<AuthSession>| !session.as_ref().is_some_and(goes_on);
        while let Some(current) = &session
            && !is_finished(&session)
            && tokio::time::Instant::now() < deadline
        {
            let changed = self.0.waiters.subscribe(current);
            // Read once more: an end, or a suspension, between the first reading and the subscription woke nobody.
            session = self.find(id).await?;
            if is_finished(&session) || self.0.store.suspension(changed.subject()).await?.is_some() {
                break;
            }
            tokio::select! {
                () = changed.notified() => {}
                () = tokio::time::sleep_until(deadline) => {}
                () = self.0.tasks.soft.cancelled() => break,
            }
            session = self.find(id).await?;
            if changed.is_released() {
                break;
            }
        }
        Ok(session)
    }
}
