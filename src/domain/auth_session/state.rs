//! Where an auth session stands, each state with exactly its data, and the words for it.

use crate::domain::clock::Timestamp;
use crate::domain::ids::GrantId;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;

/// Where an auth session stands.
#[derive(Debug, Clone)]
pub enum State {
    /// Pending: for the person.
    Waiting,
    /// Pending: a code was taken and is being exchanged.
    Exchanging(Exchanging),
    /// The person granted.
    Completed(Completed),
    /// The person refused.
    Rejected {
        /// When.
        at: Timestamp,
    },
    /// The time was up.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Somebody else's token came back; nothing was kept.
    Mismatched {
        /// When.
        at: Timestamp,
    },
    /// It could not be done.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Failure,
    },
    /// It was withdrawn: by the caller, or because there is a token without it.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// What an exchange needs; kept sealed until it is over.
#[derive(Debug, Clone)]
pub struct Exchanging {
    /// The authorization code.
    pub code: Secret,
    /// The PKCE verifier that belongs to it.
    pub verifier: Secret,
    /// When the code was taken.
    pub since: Timestamp,
}

/// What a completed session leaves.
#[derive(Debug, Clone)]
pub struct Completed {
    /// When.
    pub at: Timestamp,
    /// The grant that holds the tokens.
    pub grant: GrantId,
    /// What was asked and not granted.
    pub missing: ScopeSet,
}

/// Why a session failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The person cannot be reached by the bot.
    RecipientUnreachable,
    /// The app is set up wrongly at the platform: its owner has to act.
    Misconfigured,
    /// The platform refused, and asking again did not help.
    Refused,
    /// The platform's word on whose token it is was unusable.
    IdentityUnknown,
    /// The person left the organisation.
    PersonLeft,
}

/// The name of a state: in the database, the API and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateName {
    /// Waiting or exchanging.
    Pending,
    /// Granted.
    Completed,
    /// Refused.
    Rejected,
    /// Out of time.
    Expired,
    /// Another person's consent.
    Mismatched,
    /// Impossible.
    Failed,
    /// Withdrawn.
    Cancelled,
}

impl StateName {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Mismatched => "mismatched",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Failure {
    /// The word for it: in the database, the API and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecipientUnreachable => "recipient_unreachable",
            Self::Misconfigured => "misconfigured",
            Self::Refused => "refused",
            Self::IdentityUnknown => "identity_unknown",
            Self::PersonLeft => "person_left",
        }
    }

    /// The failure of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::RecipientUnreachable, Self::Misconfigured, Self::Refused, Self::IdentityUnknown, Self::PersonLeft]
            .into_iter()
            .find(|failure| failure.as_str() == word)
    }
}

impl State {
    /// The name of the state.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Waiting | Self::Exchanging(_) => StateName::Pending,
            Self::Completed(_) => StateName::Completed,
            Self::Rejected { .. } => StateName::Rejected,
            Self::Expired { .. } => StateName::Expired,
            Self::Mismatched { .. } => StateName::Mismatched,
            Self::Failed { .. } => StateName::Failed,
            Self::Cancelled { .. } => StateName::Cancelled,
        }
    }

    /// The name of the phase: as [`Self::name`], but telling waiting from exchanging.
    #[must_use]
    pub const fn phase(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Exchanging(_) => "exchanging",
            _ => self.name().as_str(),
        }
    }

    /// When the session ended, if it has.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting | Self::Exchanging(_) => None,
            Self::Completed(completed) => Some(completed.at),
            Self::Rejected { at }
            | Self::Expired { at }
            | Self::Mismatched { at }
            | Self::Failed { at, .. }
            | Self::Cancelled { at } => Some(*at),
        }
    }
}
