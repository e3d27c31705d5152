//! The faults that need to know nothing of a platform's frames: refused upgrades, black holes, closes, copies.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::handshake::server::ErrorResponse;

/// The upgrade is answered with something else than 101.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseHandshake {
    /// The HTTP status.
    #[serde(default = "bad_request")]
    pub status: u16,
    /// For example `Handshake-Status`, `Handshake-Msg` and `Handshake-Autherrcode`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How often; until cleared when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

/// Connections that stay open, swallow what they are sent and answer nothing, not even a WebSocket ping.
///
/// Clearing the fault brings the open ones back to life; sockets swallowed while dialling are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlackHole {
    /// Only this one, numbered as in the log; all that are open now when absent.
    pub connection: Option<u64>,
    /// Also those that are dialled later: their upgrade is never answered.
    pub new: bool,
}

/// Copies of each event with the same event id and other message ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// How many copies beside the first.
    pub copies: u32,
    /// Where the copies go.
    #[serde(default)]
    pub to: CopyTo,
}

/// The connection that a copy of an event takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyTo {
    /// The one that the first went to.
    #[default]
    Same,
    /// Another one; the same when there is no other.
    Other,
}

/// Connections are closed with a WebSocket close frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The close code, not checked.
    pub code: u16,
    /// The reason, at most 123 bytes.
    #[serde(default)]
    pub reason: String,
    /// The moment.
    #[serde(default)]
    pub when: CloseWhen,
    /// How often; until cleared when absent. Does not apply to [`CloseWhen::Now`].
    #[serde(default)]
    pub times: Option<u32>,
}

/// When a connection is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseWhen {
    /// All that are open, once, when the fault is set.
    #[default]
    Now,
    /// Instead of the next event.
    InsteadOfEvent,
    /// Right after the next event, before its acknowledgement.
    AfterEvent,
}

fn bad_request() -> u16 {
    400
}

/// Uses a fault once: gives it when it still acts, and clears it after the last time.
pub(crate) fn spend<T: Clone>(slot: &mut Option<T>, times: impl Fn(&mut T) -> &mut Option<u32>) -> Option<T> {
    let fault = slot.as_mut()?;
    let used = fault.clone();
    let Some(left) = times(fault) else {
        return Some(used);
    };
    let acts = *left > 0;
    *left = left.saturating_sub(1);
    if *left == 0 {
        *slot = None;
    }
    acts.then_some(used)
}

impl RefuseHandshake {
    /// The answer in the upgrade's place.
    #[must_use]
    pub fn response(&self) -> ErrorResponse {
        let mut response = ErrorResponse::new(None);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        for (name, value) in &self.headers {
            // What is no header cannot be sent as one; raw bytes are there for that.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        response
    }
}
