//! What follows from a stored transition: numbers, the audit line, the card, the callers who wait.

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, CardDelivery, State, StateName, Way};
use crate::domain::hint::Hint;
use crate::metrics::AuthEnd;

impl AuthSessions {
    /// Marks the card as due when its face is to change. Stored with the transition itself, so that a crash right
    /// after it does not leave an old face in the chat. A send that was given up (not due any more) stays so.
    pub(super) fn with_card_due(&self, before: &AuthSession, after: AuthSession) -> AuthSession {
        let changes = before.face() != after.face();
        let in_the_chat = match after.card {
            CardDelivery::None => false,
            CardDelivery::Sending { .. } => after.card_due_at.is_some(),
            CardDelivery::Sent { .. } => true,
        };
        if changes && in_the_chat {
            return AuthSession { card_due_at: Some(self.0.clock.now()), ..after };
        }
        after
    }

    /// Called once for each stored transition, with the session before and after.
    pub(super) fn settle(&self, before: &AuthSession, after: &AuthSession) {
        if after.card_due_at.is_some() {
            self.0.card_nudge.notify_one();
        }
        if before.state.phase() != after.state.phase() {
            self.0.waiters.wake(&after.id);
            (self.0.tell)(Hint::Session(after.id.clone()));
        }
        if !before.is_pending() || after.is_pending() {
            return;
        }
        let (app, method) = (after.subject.app.as_str(), method(after));
        self.0.metrics.auth_ended(app, method, summary(after));
        tracing::info!(
            target: "audit",
            auth_session = %after.id,
            subject = %after.subject,
            state = after.state.name().as_str(),
            scopes = %after.scopes,
            "an auth session ended"
        );
    }
}

/// How the authorization comes back, as a metric label.
pub(super) const fn method(session: &AuthSession) -> &'static str {
    match session.way {
        Way::Redirect => "redirect",
        Way::Device(_) => "device",
        Way::Paste(_) => "paste",
    }
}

fn summary(session: &AuthSession) -> AuthEnd {
    let seconds = session.state.ended_at().map_or(0.0, |at| at.since(session.created_at).as_secs_f64());
    let reason = match (&session.state, session.state.name()) {
        (_, StateName::Completed) => return AuthEnd::Success { seconds },
        (State::Failed { reason, .. }, _) => reason.as_str(),
        (_, StateName::Rejected) => "user_rejected",
        (_, other) => other.as_str(),
    };
    AuthEnd::Failure { reason }
}

/// The audit line of a new session.
pub(super) fn audit_opened(session: &AuthSession) {
    tracing::info!(
        target: "audit",
        auth_session = %session.id,
        subject = %session.subject,
        scopes = %session.scopes,
        requester = %session.requesters.join(", "),
        "an auth session was opened"
    );
}
