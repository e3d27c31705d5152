//! What a platform pushes to us, and what we answer at once.

use crate::domain::card::{Card, Toast};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, AuthSessionId, EventId, MessageId, SubjectId, TenantKey};
use crate::domain::secret::Secret;

/// One pushed event, decoded.
#[derive(Debug, Clone)]
pub struct Event {
    /// The app it was pushed to.
    pub app: AppId,
    /// The platform's id of it; the same on each redelivery.
    pub id: EventId,
    /// The organisation it comes from.
    pub tenant: Option<TenantKey>,
    /// When the platform says it happened.
    pub created_at: Option<Timestamp>,
    /// The platform's name of its kind; bounded, for logs and the inbox, never a metric label.
    pub event_type: String,
    /// What it says.
    pub kind: EventKind,
}

/// What an event says.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Somebody tapped one of our cards. The platform sends this once and waits for the answer.
    CardAction(CardAction),
    /// Anything that we have no use for: recorded, acknowledged, counted.
    Other,
}

/// A tap on a card.
#[derive(Debug, Clone)]
pub struct CardAction {
    /// Who tapped, if the platform says so.
    pub operator: Option<SubjectId>,
    /// The organisation of who tapped.
    pub operator_tenant: Option<TenantKey>,
    /// Which auth session the card belongs to, by the value we put into its button.
    pub auth_session: Option<AuthSessionId>,
    /// The message that carries the card.
    pub message: Option<MessageId>,
    /// What was chosen.
    pub choice: Choice,
}

/// What a tap chose.
#[derive(Debug, Clone)]
pub enum Choice {
    /// The Authorize button: the link opens by itself, this is the report of the tap.
    Authorize,
    /// The Reject button.
    Reject,
    /// An authorization code brought back through the card.
    Code(Secret),
    /// Something that none of our cards offers.
    Unknown,
}

/// What the platform is answered, within its two or three seconds.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether the event is safe with us.
    pub outcome: Outcome,
    /// A short message for who tapped.
    pub toast: Option<Toast>,
    /// The card to show in place of the tapped one.
    pub card: Option<Box<Card>>,
}

/// Whether an event is safe with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored, or known not to matter: the platform need not send it again.
    Accepted,
    /// Not stored: the platform should send it again.
    Failed,
}

impl Verdict {
    /// Accepted, nothing to show.
    #[must_use]
    pub const fn accepted() -> Self {
        Self { outcome: Outcome::Accepted, toast: None, card: None }
    }

    /// Accepted, with a toast.
    #[must_use]
    pub const fn toast(toast: Toast) -> Self {
        Self { outcome: Outcome::Accepted, toast: Some(toast), card: None }
    }

    /// Not stored.
    #[must_use]
    pub const fn failed() -> Self {
        Self { outcome: Outcome::Failed, toast: None, card: None }
    }
}
