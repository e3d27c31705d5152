//! The use cases' failures, each as its problem.

use http::StatusCode;
use serde_json::json;

use super::Problem;
use crate::access::Refused;
use crate::auth_session::{AskError, Unserved, WithdrawError};
use crate::domain::caller::Forbidden;
use crate::domain::grant::Suspension;
use crate::grants::{RefreshError, RevokeError};
use crate::login::IdentifyError;
use crate::platform::BadCode;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::unauthorized(),
            Refused::TooMany { retry_after } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-wrong-keys",
                "Too many wrong API keys",
                "Too many wrong API keys came from this address.",
            )
            .after(retry_after),
            Refused::Store(error) => {
                tracing::error!(%error, "an API key could not be looked up");
                Self::storage()
            }
        }
    }
}

impl From<Forbidden> for Problem {
    fn from(forbidden: Forbidden) -> Self {
        match &forbidden {
            Forbidden::App(_) => Self::new(
                StatusCode::FORBIDDEN,
                "app-not-allowed",
                "The API key is not for this app",
                "Ask the gateway's operator for a key that names the app.",
            ),
            Forbidden::Scopes(missing) => Self::new(
                StatusCode::FORBIDDEN,
                "scope-not-allowed",
                "The API key is not for these scopes",
                "Ask the gateway's operator for a key that names the scopes.",
            )
            .with("missing_scopes", json!(missing.iter().collect::<Vec<_>>())),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::UnknownApp => Self::unknown_app(),
            AskError::Unreachable(session) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "recipient-unreachable",
                "The person cannot be reached",
                "The app's bot cannot write to this person: the id is unknown to the app, the person is outside its \
                 availability range, or the bot is off.",
            )
            .with("auth_session_id", json!(session.id.as_str())),
            AskError::TooMany { retry_after } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "This person was asked too often",
                "A person gets only so many cards a minute.",
            )
            .after(retry_after),
            AskError::Misconfigured => Self::misconfigured(),
            AskError::GrantChanged => Self::storage(),
            AskError::Unavailable => Self::platform(),
            AskError::Store(error) => Self::from_store(&error),
        }
    }
}

impl From<Unserved> for Problem {
    fn from(unserved: Unserved) -> Self {
        match unserved {
            Unserved::Unknown => Self::unknown_app(),
            Unserved::NoTokens => Self::not_offered("user tokens"),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::RateLimited(after) => Self::platform().after(after),
            RefreshError::Unavailable | RefreshError::Elsewhere | RefreshError::NeedsConsent => Self::platform(),
            RefreshError::Misconfigured => Self::misconfigured(),
        }
    }
}

impl From<Suspension> for Problem {
    fn from(suspension: Suspension) -> Self {
        let (word, title, detail) = match suspension {
            Suspension::Person => (
                "person-suspended",
                "The person is suspended",
                "The platform has frozen or closed the person's account. What they granted is kept and works again when \
                 they are back.",
            ),
            Suspension::App => (
                "app-stopped",
                "The app is stopped",
                "The app was stopped at the platform. What people granted is kept and works again when it is started.",
            ),
        };
        Self::new(StatusCode::FORBIDDEN, word, title, detail)
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Unknown => Self::not_found(),
            RevokeError::Unavailable => Self::platform(),
            RevokeError::Forbidden(forbidden) => forbidden.into(),
            RevokeError::Store(error) => Self::from_store(&error),
        }
    }
}

impl From<WithdrawError> for Problem {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Unknown => Self::not_found(),
            WithdrawError::Conflict(invalid) => Self::new(
                StatusCode::CONFLICT,
                "state-conflict",
                "The auth session cannot be cancelled any more",
                format!("It is {}.", invalid.from),
            ),
            WithdrawError::Store(error) => Self::from_store(&error),
        }
    }
}

impl From<IdentifyError> for Problem {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::UnknownApp => Self::unknown_app(),
            IdentifyError::NotOffered => Self::not_offered("logins"),
            IdentifyError::NoSession => Self::not_found(),
            IdentifyError::Code(why) => Self::bad_code("code", why),
            IdentifyError::PhoneCode(why) => Self::bad_code("phone_code", why),
            IdentifyError::Blocked => Self::new(
                StatusCode::FORBIDDEN,
                "login-blocked",
                "The platform does not let this person log in",
                "The platform holds the account for a risk. Only the person can settle that with the platform.",
            ),
            IdentifyError::TooOften(after) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-logins",
                "This person logs in too often",
                "The platform lets a person log in only so many times a minute.",
            )
            .after(after),
            IdentifyError::NotGenuine(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "data-not-genuine",
                "What came with the code is not genuine",
                "The data, or the signature, are not what the platform gave to this person's client for this app, or not by \
                 now. Have the client log in and fetch them again.",
            ),
            IdentifyError::Refused(code) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "platform-refused",
                "The platform refuses this request",
                "The platform's documentation says what its code means.",
            )
            .with("platform_code", json!(code.as_str())),
            IdentifyError::Misconfigured(_) => Self::misconfigured(),
            IdentifyError::Unavailable(None) => Self::platform(),
            IdentifyError::Unavailable(Some(after)) => Self::platform().after(after),
            IdentifyError::Store(error) => Self::from_store(&error),
        }
    }
}

impl Problem {
    /// A code names nobody.
    fn bad_code(field: &'static str, why: BadCode) -> Self {
        let (reason, detail) = match why {
            BadCode::Unknown => ("unknown", "The platform does not know the code, or not any more. Get a new one."),
            BadCode::Used => ("used", "The code was used before. Get a new one, and present each code once."),
        };
        Self::new(StatusCode::BAD_REQUEST, "login-code-invalid", "The code is not valid", detail)
            .with("field", json!(field))
            .with("reason", json!(reason))
    }
}
