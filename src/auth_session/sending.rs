//! One card's way into the chat, detached from whoever wanted it: the call to the platform, and what its outcome means
//! for the session.

use std::time::Duration;

use crate::auth_session::{App, AuthSessions};
use crate::domain::auth_session::{AuthSession, AuthSessionId, CardDelivery, Failure};
use crate::domain::card::CardRef;
use crate::domain::clock::Timestamp;
use crate::platform::{PlatformError, SendError};
use crate::store::StoreError;

use super::amend::AmendError;
use super::deliveries::Delivery;

/// When an unclear send is repeated.
pub(super) const RESEND_AFTER: Duration = Duration::from_secs(5);

/// When a send is repeated that nobody came back from: longer than a send can take.
pub(super) const ABANDONED_AFTER: Duration = Duration::from_mins(2);

/// When a failed change of face is repeated.
const UPDATE_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// A send whose outcome is unknown is repeated for so long only: platforms remember a message's uuid for an hour, and
/// after that a repetition would be a second card.
const RESEND_FOR: Duration = Duration::from_mins(50);

/// Why a card is not in the chat.
enum DeliverError {
    /// The platform did not take it.
    Send(SendError),
    /// Its message id could not be stored.
    Store(StoreError),
}

impl AuthSessions {
    /// Does what the card needs, in a task of its own: its end is the same whether or not somebody still waits for it.
    pub(super) fn spawn_delivery(&self, delivery: Delivery) {
        let this = self.clone();
        self.0.tasks.tracker.spawn(async move { this.deliver(&delivery).await });
    }

    async fn deliver(&self, delivery: &Delivery) {
        let session = match self.find(&delivery.id).await {
            Ok(Some(session)) if session.card_due_at.is_some() => session,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(auth_session = %delivery.id, %error, "a card has to wait for the store");
                return;
            }
        };
        let Some(app) = self.0.apps.get(&session.subject.app) else { return };
        match &session.card {
            CardDelivery::None => self.card_due(&session.id, None).await,
            CardDelivery::Sending { .. } => self.send(app, &session, delivery).await,
            CardDelivery::Sent { .. } => self.change_face(app, &session).await,
        }
    }

    async fn send(&self, app: &App, session: &AuthSession, delivery: &Delivery) {
        let untaken = delivery.take_untaken();
        if self.is_pointless(session, untaken) {
            return self.give_up(&session.id).await;
        }
        match self.send_card(app, session, !untaken).await {
            Ok(()) => {}
            Err(DeliverError::Store(error)) => {
                tracing::warn!(auth_session = %session.id, %error, "a sent card's message id could not be stored yet");
            }
            Err(DeliverError::Send(SendError::Unreachable { .. })) => {
                self.not_sendable(&session.id, Failure::RecipientUnreachable).await;
            }
            Err(DeliverError::Send(SendError::Platform(error))) => {
                if untaken && matches!(error, PlatformError::RateLimited { .. } | PlatformError::Unavailable) {
                    delivery.still_untaken();
                }
                self.send_refused(app, session, &error).await;
            }
        }
    }

    async fn send_refused(&self, app: &App, session: &AuthSession, error: &PlatformError) {
        if let Some(pause) = pause_after(error, RESEND_AFTER) {
            return self.card_due(&session.id, Some(self.0.clock.now().plus(pause))).await;
        }
        tracing::error!(app = %app.platform.app, %error, "the app's owner has to act: no card can be sent");
        self.not_sendable(&session.id, Failure::Misconfigured).await;
    }

    /// Whether a send would do no good: the end of a question that was never seen, or perhaps a second card.
    fn is_pointless(&self, session: &AuthSession, untaken: bool) -> bool {
        if untaken { !session.is_pending() } else { self.0.clock.now() >= session.created_at.plus(RESEND_FOR) }
    }

    /// Sends the card and stores its message id. `repeated`: the same send may have been taken before.
    async fn send_card(&self, app: &App, session: &AuthSession, repeated: bool) -> Result<(), DeliverError> {
        let CardDelivery::Sending { send_no } = session.card else { return Ok(()) };
        let uuid = format!("{}-{send_no}", session.id);
        let card = self.card(app, session);
        let sent = app.platform.cards.send(&session.subject.id, &card, &uuid).await.map_err(DeliverError::Send)?;
        // Whatever changed while it was sent (a tap can be faster than this answer) is shown by the next update. A
        // message that the platform had taken earlier under this uuid may show an older face than the one just sent.
        let face = session.face();
        let now = self.0.clock.now();
        let stored = self.amend(&session.id, |current| {
            let stale = repeated || current.face() != face;
            let shown = if repeated { String::new() } else { face.clone() };
            let card = CardDelivery::Sent { message: sent.0.clone(), shown };
            Ok(AuthSession { card, card_due_at: stale.then_some(now), ..current })
        });
        match stored.await {
            Ok(_) | Err(AmendError::Unknown | AmendError::Invalid(_)) => Ok(()),
            Err(AmendError::Store(error)) => Err(DeliverError::Store(error)),
        }
    }

    /// The platform will never take it: a question that cannot be put is over.
    async fn not_sendable(&self, id: &AuthSessionId, reason: Failure) {
        let now = self.0.clock.now();
        let ended = self.amend(id, |current| {
            let ended = if current.is_pending() { current.failed(reason, now)? } else { current };
            Ok(AuthSession { card: CardDelivery::None, card_due_at: None, ..ended })
        });
        drop(ended.await);
    }

    /// No more sends. While the question stands it keeps its place in the sending, so that nobody begins another.
    async fn give_up(&self, id: &AuthSessionId) {
        tracing::warn!(auth_session = %id, "a card is not sent any more: it would come too late, or twice");
        let left = self.amend(id, |current| {
            let card = if current.is_pending() { current.card.clone() } else { CardDelivery::None };
            Ok(AuthSession { card, card_due_at: None, ..current })
        });
        drop(left.await);
    }

    async fn change_face(&self, app: &App, session: &AuthSession) {
        let CardDelivery::Sent { message, shown } = &session.card else { return };
        let face = session.face();
        if *shown == face {
            return self.shows(session, &face).await;
        }
        let card = self.card(app, session);
        if let Err(error) = app.platform.cards.update(&CardRef(message.clone()), &card).await {
            if let Some(pause) = pause_after(&error, UPDATE_AGAIN_AFTER) {
                let again = self.0.clock.now().plus(pause);
                return self.card_due(&session.id, Some(again)).await;
            }
            tracing::warn!(auth_session = %session.id, %error, "a card cannot be changed and stays as it is");
        }
        self.shows(session, &face).await;
    }

    /// The card has this face now; due again if that is the wrong one already.
    async fn shows(&self, session: &AuthSession, face: &str) {
        let now = self.0.clock.now();
        let stored = self.amend(&session.id, |current| {
            let card = match current.card.clone() {
                CardDelivery::Sent { message, .. } => CardDelivery::Sent { message, shown: face.to_owned() },
                other => other,
            };
            let due = (current.face() != face).then_some(now);
            Ok(AuthSession { card, card_due_at: due, ..current })
        });
        drop(stored.await);
    }

    async fn card_due(&self, id: &AuthSessionId, at: Option<Timestamp>) {
        drop(self.amend(id, |current| Ok(AuthSession { card_due_at: at, ..current })).await);
    }
}

/// How long to leave the platform alone before the same is tried again, `out_of_order` if it does not say; `None` if
/// that would not help.
fn pause_after(error: &PlatformError, out_of_order: Duration) -> Option<Duration> {
    match error {
        PlatformError::RateLimited { after } => Some((*after).max(RESEND_AFTER)),
        PlatformError::Unavailable | PlatformError::Unclear => Some(out_of_order),
        PlatformError::Misconfigured { .. } | PlatformError::Rejected { .. } | PlatformError::Revoked { .. } => None,
    }
}
