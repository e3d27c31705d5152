//! What becomes of a refresh, in the words of the protocol, the journal, the metrics and the callers.

use std::time::Duration;

use crate::domain::refresh::{Answer, Outcome};
use crate::domain::token::TokenAnswer;
use crate::platform::{PlatformCode, PlatformError};

/// Why a refresh brought no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The person has to consent again.
    #[error("the person has to consent again")]
    NeedsConsent,
    /// The platform limits our rate.
    #[error("the platform limits our rate")]
    RateLimited(Duration),
    /// The platform or the store does not answer.
    #[error("the platform cannot be reached")]
    Unavailable,
    /// Another process is at it.
    #[error("another process refreshes the token")]
    Elsewhere,
    /// The app's owner has to act.
    #[error("the app is set up wrongly at the platform")]
    Misconfigured,
}

/// What the protocol makes of a platform's error. Only what is known to be a denial is one.
pub(super) const fn meaning(error: &PlatformError) -> Answer {
    match error {
        PlatformError::Revoked { code } => Answer::Denied { code: *code },
        PlatformError::RateLimited { .. } | PlatformError::Unavailable => Answer::NotSent,
        PlatformError::Misconfigured { .. } => Answer::Misconfigured,
        PlatformError::Rejected { .. } | PlatformError::Unclear => Answer::Unclear,
    }
}

/// What the platform calls it, where one came that says something of the grant or the app.
pub(super) const fn code_of(error: &PlatformError) -> Option<PlatformCode> {
    match error {
        PlatformError::Revoked { code } | PlatformError::Misconfigured { code } | PlatformError::Rejected { code } => {
            Some(*code)
        }
        _ => None,
    }
}

pub(super) const fn journal_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Refreshed => "refreshed",
        Outcome::NeedsConsent => "needs_consent",
        Outcome::Busy => "busy",
        Outcome::Unavailable => "unavailable",
        Outcome::Misconfigured => "misconfigured",
        Outcome::Unclear => "unclear",
    }
}

pub(super) const fn outcome_word(answer: &Result<TokenAnswer, PlatformError>) -> &'static str {
    match answer {
        Ok(_) => "success",
        Err(PlatformError::Revoked { .. }) => "denied",
        Err(PlatformError::Unclear) => "unclear",
        Err(PlatformError::Misconfigured { .. }) => "misconfigured",
        Err(PlatformError::Rejected { .. }) => "rejected",
        Err(PlatformError::RateLimited { .. }) => "rate_limited",
        Err(PlatformError::Unavailable) => "unavailable",
    }
}
