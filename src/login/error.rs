//! Why nobody is identified.

use std::time::Duration;

use crate::domain::ids::AppId;
use crate::platform::{BadCode, LoginError, NotGenuine, PlatformCode, PlatformError};
use crate::store::StoreError;

/// Why nobody is identified, named by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// There is no such app on this platform.
    #[error("there is no such app")]
    UnknownApp,
    /// The app's platform has no logins.
    #[error("the app's platform has no logins")]
    NotOffered,
    /// The person has not logged in here.
    #[error("there is no session with this person")]
    NoSession,
    /// The client has to log in anew.
    #[error("the code is not valid")]
    Code(BadCode),
    /// The same of the code that stands for a phone number.
    #[error("the code of the phone number is not valid")]
    PhoneCode(BadCode),
    /// The platform does not let this person log in.
    #[error("the platform blocks this person's logins")]
    Blocked,
    /// This person logs in too often.
    #[error("the platform limits this person's logins")]
    TooOften(Duration),
    /// What came with the code is forged, old, or another app's or person's.
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    /// The platform refuses the request.
    #[error("the platform refuses (code {0})")]
    Refused(PlatformCode),
    /// The app's owner has to act.
    #[error("the app is set up wrongly at the platform (code {0})")]
    Misconfigured(PlatformCode),
    /// Later.
    #[error("the platform gives no usable answer")]
    Unavailable(Option<Duration>),
    /// Nothing can be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LoginError> for IdentifyError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Code(why) => Self::Code(why),
            LoginError::Blocked => Self::Blocked,
            LoginError::TooOften { after } => Self::TooOften(after),
            LoginError::Platform(error) => error.into(),
        }
    }
}

impl From<PlatformError> for IdentifyError {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::RateLimited { after } => Self::Unavailable(Some(after)),
            // A code that may have been spent is told to be so when it comes again.
            PlatformError::Unavailable | PlatformError::Unclear => Self::Unavailable(None),
            PlatformError::Misconfigured { code } => Self::Misconfigured(code),
            PlatformError::Rejected { code } | PlatformError::Revoked { code } => Self::Refused(code),
        }
    }
}

impl IdentifyError {
    /// Says of a code that it was the phone number's.
    pub(super) fn of_phone(error: LoginError) -> Self {
        match error {
            LoginError::Code(why) => Self::PhoneCode(why),
            other => other.into(),
        }
    }

    /// What the metrics call it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::UnknownApp | Self::NotOffered | Self::NoSession => "not_offered",
            Self::Code(BadCode::Unknown) | Self::PhoneCode(BadCode::Unknown) => "code_unknown",
            Self::Code(BadCode::Used) | Self::PhoneCode(BadCode::Used) => "code_used",
            Self::Blocked => "blocked",
            Self::TooOften(_) => "too_often",
            Self::NotGenuine(_) => "not_genuine",
            Self::Refused(_) => "refused",
            Self::Misconfigured(_) => "misconfigured",
            Self::Unavailable(_) => "unavailable",
            Self::Store(_) => "storage",
        }
    }

    /// Tells the operator what the caller cannot mend.
    pub(super) fn log(&self, app: &AppId) {
        match self {
            Self::Misconfigured(code) => {
                tracing::error!(%app, %code, "the app's owner has to act: nobody can log in");
            }
            Self::Refused(code) => tracing::warn!(%app, %code, "the platform refuses a login"),
            Self::Code(BadCode::Used) | Self::PhoneCode(BadCode::Used) => {
                tracing::warn!(target: "audit", %app, "a login code came again that was used before");
            }
            Self::NotGenuine(_) => {
                tracing::warn!(target: "audit", %app, "what came with a login code is not genuine");
            }
            _ => {}
        }
    }
}
