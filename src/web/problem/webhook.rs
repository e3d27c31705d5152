//! Refused webhooks, each as its problem. Who reads them is an administrator at the platform's console, or a log.

use http::StatusCode;

use super::Problem;
use crate::platform::Unwelcome;

/// How a webhook proves whose it is: what a 401 names.
pub(super) const SCHEME: &str = "Signature";

impl Problem {
    /// The app is known and has no key to check signatures with.
    pub(in crate::web) fn webhook_off() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "webhook-off",
            "The app takes no events here",
            "No encrypt key is configured for this app in the gateway.",
        )
    }

    /// The event is not safe with us.
    pub(in crate::web) fn event_not_taken() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "event-not-taken",
            "The event could not be stored in time",
            "Send it again.",
        )
    }
}

impl From<Unwelcome> for Problem {
    fn from(unwelcome: Unwelcome) -> Self {
        let title = "The event is refused";
        let (status, word, detail) = match unwelcome {
            Unwelcome::Unsigned => (
                StatusCode::UNAUTHORIZED,
                "webhook-unsigned",
                "It is not signed. The app needs the encrypt key at the platform that is configured here.",
            ),
            Unwelcome::Signature => (
                StatusCode::UNAUTHORIZED,
                "webhook-signature",
                "It is not signed with this app's key, or was changed on its way.",
            ),
            Unwelcome::Stale => (
                StatusCode::UNAUTHORIZED,
                "webhook-stale",
                "It was signed more than five minutes from now. Look at the clocks, and at what holds requests up.",
            ),
            Unwelcome::Token => (
                StatusCode::UNAUTHORIZED,
                "webhook-token",
                "It does not name the verification token that is configured here.",
            ),
            Unwelcome::WrongApp => (StatusCode::FORBIDDEN, "webhook-wrong-app", "It is about another app."),
            Unwelcome::Replayed => (StatusCode::CONFLICT, "webhook-replayed", "The same request came before."),
            Unwelcome::Unreadable => {
                return Self::invalid("The body is not JSON as the platform writes it, or is sealed with another key.");
            }
        };
        Self::new(status, word, title, detail)
    }
}
