//! Telling the person: whoever put the card into the session begins its send, everybody else waits for that one's
//! outcome. Both read it from the store, so all callers hear the same.

use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, CardDelivery, Failure, State};
use crate::domain::ids::Subject;

use super::ask::AskError;
use super::sending::ABANDONED_AFTER;

/// How long a caller waits for a card that another one's question sends.
const JOINER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a caller waits for those who ask the same person: as long as the start of a device flow may take, and more.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// A session that was opened or joined.
pub(super) struct Stored {
    session: AuthSession,
    /// How long the caller waits for a card that is being sent.
    patience: Duration,
}

impl AuthSessions {
    /// Waits until nobody else is opening or joining this person's session.
    pub(super) async fn turn(&self, subject: &Subject) -> Result<OwnedMutexGuard<()>, AskError> {
        tokio::select! {
            biased;
            turn = self.0.locks.lock(subject) => Ok(turn),
            () = tokio::time::sleep(TURN_PATIENCE) => Err(AskError::Unavailable),
            () = self.0.tasks.soft.cancelled() => Err(AskError::Unavailable),
        }
    }

    /// The session was stored; `sends`: by the caller whose question its card is. The send is begun before anybody
    /// else has a turn.
    pub(super) fn stored(&self, session: AuthSession, sends: bool) -> Stored {
        if !sends {
            return Stored { session, patience: JOINER_PATIENCE };
        }
        if let Some(delivery) = self.0.deliveries.begin_first(&session) {
            self.spawn_delivery(delivery);
        }
        // No longer than a send can take: the sender is not kept back by it.
        Stored { session, patience: ABANDONED_AFTER }
    }

    /// The session once its card is in the chat, or as it stands when that takes too long or the process ends.
    pub(super) async fn told(&self, Stored { session, patience }: Stored) -> Result<AuthSession, AskError> {
        if !matches!(session.card, CardDelivery::Sending { .. }) {
            return Ok(session);
        }
        if let Some(done) = self.0.deliveries.under_way(&session.id) {
            tokio::select! {
                () = done.cancelled() => {}
                () = tokio::time::sleep(patience) => {}
                () = self.0.tasks.soft.cancelled() => {}
            }
        }
        let session = self.find(&session.id).await?.unwrap_or(session);
        match session.state {
            State::Failed { reason: Failure::RecipientUnreachable, .. } => {
                Err(AskError::Unreachable(Box::new(session)))
            }
            State::Failed { reason: Failure::Misconfigured, .. } => Err(AskError::Misconfigured),
            _ => Ok(session),
        }
    }
}
