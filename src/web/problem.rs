//! Failures as RFC 9457 problem details: the one place that knows their status codes and public words.
//!
//! A problem's `type` is `urn:cardkey:problem:` and a word that never changes its meaning (docs/api.md lists them). The
//! text is for the caller's developer: it says what to do, and nothing of what is inside.

mod failures;
mod webhook;

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::layers::Why;
use crate::domain::auth_session::{AuthSession, State};
use crate::domain::scopes::ScopeSet;

/// A failure on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    word: &'static str,
    title: &'static str,
    detail: String,
    retry_after: Option<Duration>,
    more: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, word: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, word, title, detail: detail.into(), retry_after: None, more: Map::new() }
    }

    fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.more.insert(key.to_owned(), value);
        self
    }

    /// The request cannot be read; `detail` says what to change.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            "There is nothing here, or nothing that this API key may see.",
        )
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            "This address does not answer to this method.",
        )
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
            "Send JSON with `Content-Type: application/json` and without `Content-Encoding`.",
        )
    }

    /// The body has more than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("A body has at most {} KiB.", limit / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long", "Send the body faster.")
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "Something went wrong inside. The logs of the gateway say more.",
        )
    }

    pub(super) fn key_in_query() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "key-in-query",
            "An API key was sent in the address",
            "Addresses are logged on their way. Revoke this key, make another, and send it as `Authorization: Bearer ck_…`.",
        )
    }

    pub(super) fn unknown_app() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown-app",
            "Unknown app",
            "No app of this id is configured in the gateway.",
        )
    }

    /// The app does not have what is asked for.
    pub(super) fn not_offered(what: &'static str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-offered",
            "The app does not offer this",
            format!("There are no {what} under this app."),
        )
    }

    fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Not authorized",
            "Send a valid API key as `Authorization: Bearer ck_…`.",
        )
    }

    fn storage() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "storage-unavailable",
            "The storage is away",
            "Nothing was changed. Try again in a moment.",
        )
        .after(Duration::from_secs(5))
    }

    fn platform() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "platform-unavailable",
            "The platform cannot be reached",
            "The chat platform does not answer. Try again in a moment.",
        )
        .after(Duration::from_secs(5))
    }

    fn misconfigured() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "app-misconfigured",
            "The app is set up wrongly at the platform",
            "The platform refuses the app itself, not the person. Its owner has to look at the gateway's logs and at the \
             platform's console.",
        )
    }

    /// The platform granted less than was asked.
    pub(super) fn insufficient_scope(missing: &ScopeSet, id: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient-scope",
            "The person did not grant all scopes",
            "Ask for fewer scopes, or check that the app has them all at the platform.",
        )
        .with("missing_scopes", json!(missing.iter().collect::<Vec<_>>()))
        .with("auth_session_id", json!(id))
    }

    /// How an auth session ended, other than completed.
    pub(super) fn ended(session: &AuthSession) -> Self {
        let (word, title, detail) = match &session.state {
            State::Rejected { .. } => {
                ("user-rejected", "The person refused", "The person tapped Reject or refused at the platform.")
            }
            State::Expired { .. } => {
                ("auth-session-expired", "The person did not answer in time", "Ask again when the person is there.")
            }
            State::Mismatched { .. } => (
                "identity-mismatch",
                "Somebody else consented",
                "Another account than the person's consented. Nothing was kept; ask again.",
            ),
            State::Cancelled { .. } => {
                ("auth-session-cancelled", "The question was withdrawn", "Another call cancelled this auth session.")
            }
            _ => (
                "auth-failed",
                "The authorization could not be done",
                "The platform refused, and asking again did not help.",
            ),
        };
        let problem = Self::new(StatusCode::FORBIDDEN, word, title, detail);
        let problem = problem.with("auth_session_id", json!(session.id.as_str()));
        match &session.state {
            State::Failed { reason, .. } => problem.with("reason", json!(reason.as_str())),
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        body.insert("type".to_owned(), json!(format!("urn:cardkey:problem:{}", self.word)));
        body.insert("title".to_owned(), json!(self.title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        if let Some(after) = self.retry_after {
            body.insert("retry_after_seconds".to_owned(), json!(seconds(after)));
        }
        let mut response = (self.status, Value::Object(body).to_string()).into_response();
        response.extensions_mut().insert(Why(self.word));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(after)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = if self.word == "unauthorized" { "Bearer" } else { webhook::SCHEME };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}

/// Whole seconds, at least one: a `Retry-After` of zero invites a hot loop.
fn seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}

impl Problem {
    /// The store failed; its own words go to the log only.
    pub(super) fn from_store(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "the store failed a request");
        Self::storage()
    }
}
