//! Taking events: the one thing that has to be on the disk before a platform is answered.

use tokio::sync::oneshot;

use crate::domain::auth_session::AuthSession;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, EventId};
use crate::store::inbox::{Accepted, Arrival, InboxEvent};
use crate::store::session_row::Transition;
use crate::store::writer::Job;
use crate::store::{Store, StoreError, Writes, enqueue};

/// What became of an event that carries a transition.
#[derive(Debug)]
pub enum AcceptedWith {
    /// Event and transition are on the disk; the session as it is stored now.
    New(Box<AuthSession>),
    /// The event was known before; nothing was changed.
    Duplicate,
    /// The session was changed by somebody else; nothing was stored. Read it again and decide again.
    Lost,
}

impl Store {
    /// Claims the inbox for this process and reads what it holds. The first event would do the same, and wait for it:
    /// some seconds for each million of events that are kept.
    pub async fn claim_inbox(&self) -> Result<(), StoreError> {
        self.write(|scope| Box::pin(async move { scope.inbox.ready(&scope.tx).await })).await
    }

    /// Takes an event that changes nothing.
    pub async fn accept(
        &self,
        app: &AppId,
        event: &EventId,
        event_type: &str,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let event = InboxEvent::new(app, event, event_type, now);
        let done = match &self.writes {
            Writes::Queue(queue) => {
                let (reply, answer) = oneshot::channel();
                enqueue(queue, Job::Arrival(Arrival { event, reply })).await?;
                answer.await.unwrap_or(Err(StoreError::CLOSED))
            }
            Writes::Transactions(transactions) => transactions.accept(event).await,
        };
        self.health.note(&done);
        done
    }

    /// Takes an event together with the transition that it causes: both are stored, or neither. `session` is the new
    /// state with the version that it was read with.
    pub async fn accept_with(
        &self,
        app: &AppId,
        event: &EventId,
        event_type: &str,
        now: Timestamp,
        session: AuthSession,
    ) -> Result<AcceptedWith, StoreError> {
        let event = InboxEvent::new(app, event, event_type, now);
        let transition = Transition::seal(&self.vault, session)?;
        self.write(move |scope| {
            Box::pin(async move {
                scope.inbox.ready(&scope.tx).await?;
                if scope.inbox.knows(&scope.tx, &event).await? {
                    return Ok(AcceptedWith::Duplicate);
                }
                let Some(session) = transition.store(&scope.tx).await? else { return Ok(AcceptedWith::Lost) };
                scope.inbox.take(&scope.tx, &event).await?;
                Ok(AcceptedWith::New(Box::new(session)))
            })
        })
        .await
    }
}
