//! The frames of the stream: JSON texts in both directions, whose `data` is JSON inside a string.
//!
//! Source: the open platform's page on the stream protocol, and recordings of its official clients.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::platform::button::Text;

/// What the platform sends.
#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) headers: Headers<'a>,
    #[serde(borrow)]
    pub(super) data: Text<'a>,
}

/// Its headers, of which every value is a string.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Headers<'a> {
    #[serde(borrow)]
    pub(super) topic: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message_id: Option<Text<'a>>,
    /// Milliseconds since 1970. Documented as a string; a number is understood too.
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) event_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) event_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) event_corp_id: Option<Text<'a>>,
}

/// What it is answered.
#[derive(Debug, Serialize)]
pub(super) struct Ack<'a> {
    pub(super) code: u16,
    pub(super) headers: AckHeaders<'a>,
    pub(super) message: &'static str,
    pub(super) data: &'a str,
}

/// The answer's headers: which frame is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AckHeaders<'a> {
    content_type: &'static str,
    message_id: &'a str,
}

impl<'a> Ack<'a> {
    /// The answer to the frame of this id.
    pub(super) const fn new(message_id: &'a str, code: u16, data: &'a str) -> Self {
        let message = if code == 200 { "OK" } else { "failed" };
        Self { code, headers: AckHeaders { content_type: "application/json", message_id }, message, data }
    }

    /// As it is sent.
    pub(super) fn to_text(&self) -> String {
        // Texts and a number: there is nothing that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}
