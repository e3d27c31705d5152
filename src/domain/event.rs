//! What a platform pushes to us, and what we answer at once.

use std::time::Duration;

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
    /// Something happened at the platform to what people granted.
    Change(Change),
    /// Anything that we have no use for: recorded, acknowledged, counted.
    Other,
}

/// What happened at the platform to what people granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Tokens of a person were ended there.
    Revoked {
        /// Whose.
        subject: SubjectId,
        /// The access token is one of them.
        access: bool,
        /// The refresh token is one of them.
        refresh: bool,
        /// By whom.
        by: RevokedBy,
    },
    /// A person left the organisation for good.
    Left(SubjectId),
    /// A person's account may not be used for the time being.
    Suspended(SubjectId),
    /// A person's account may be used (again).
    Resumed(SubjectId),
    /// The app was stopped, for everybody.
    AppStopped,
    /// The app was started (again).
    AppStarted,
}

/// Who ended a token, as far as the platform says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The person.
    Person,
    /// The organisation's administrator.
    Administrator,
    /// The platform's risk control.
    RiskControl,
    /// A restriction of the account or of the app.
    Restriction,
    /// It is not said.
    Unknown,
}

/// The platform's clock and ours may differ by this much, and a token is a moment older than its arrival here.
const SKEW: Duration = Duration::from_secs(2);

impl Change {
    /// Whom it concerns; nobody in particular if it is the whole app.
    #[must_use]
    pub const fn subject(&self) -> Option<&SubjectId> {
        match self {
            Self::Revoked { subject, .. } | Self::Left(subject) | Self::Suspended(subject) | Self::Resumed(subject) => {
                Some(subject)
            }
            Self::AppStopped | Self::AppStarted => None,
        }
    }

    /// The word for it: a metric label.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Revoked { refresh: true, .. } => "revoked",
            Self::Revoked { .. } => "access_revoked",
            Self::Left(_) => "person_left",
            Self::Suspended(_) => "person_suspended",
            Self::Resumed(_) => "person_resumed",
            Self::AppStopped => "app_stopped",
            Self::AppStarted => "app_started",
        }
    }

    /// Whether there is less to be had after it: nobody should wait any longer then.
    #[must_use]
    pub const fn takes_away(&self) -> bool {
        !matches!(self, Self::Resumed(_) | Self::AppStarted)
    }

    /// What came later than this is not concerned by a change that happened at `at`, however late it is told.
    #[must_use]
    pub fn reaches_to(at: Timestamp) -> Timestamp {
        at.plus(SKEW)
    }
}

impl RevokedBy {
    /// The word for it, for the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Administrator => "administrator",
            Self::RiskControl => "risk_control",
            Self::Restriction => "restriction",
            Self::Unknown => "unknown",
        }
    }
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
