//! The other way by which the platform delivers events and card clicks: it posts them to the app's address.
//!
//! Which way it takes is the app's setting at the console ([`Stream::deliver`](super::stream::Stream::deliver)), where an
//! address is taken only if it answers the platform's question. What is posted is sealed and signed by [`letter`]. It must not
//! know the long connection; redelivery is the stream's, which is the same for both.

pub mod letter;

use std::time::Duration;

use reqwest::{Client, redirect};
use serde_json::{Value, json};
use url::Url;

use self::letter::{Letter, Seals};
use super::stream::CallbackError;
use crate::random;

/// How long a connection may have been idle.
const IDLE: Duration = Duration::from_secs(3);

/// Where and how one app's events are posted.
pub struct Endpoint {
    url: Url,
    seals: Seals,
    old_clicks: bool,
    client: Client,
}

/// What came back.
pub struct Posted {
    /// The HTTP status.
    pub status: u16,
    /// The body, if it is JSON.
    pub body: Option<Value>,
}

/// Nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Not in time.
    #[error("no answer in time")]
    Timeout,
    /// It could not be sent, or its answer not be read.
    #[error("the address does not answer")]
    Away,
}

/// The console does not take an address.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// Nothing came back.
    #[error("the address did not answer the question: {0}")]
    Silent(#[from] PostError),
    /// Something else than the question's challenge came back.
    #[error("the address answered the question wrongly, with HTTP status {0}")]
    Wrong(u16),
}

impl Endpoint {
    /// An address. With `old_clicks` card clicks are posted in the form before the envelopes.
    pub fn new(url: Url, seals: Seals, old_clicks: bool) -> reqwest::Result<Self> {
        // A connection that the app may be about to end is not used again: a click is posted once.
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).pool_idle_timeout(IDLE).build()?;
        Ok(Self { url, seals, old_clicks, client })
    }

    /// Asks the address whether it is the app's: it has to send a random text back.
    pub async fn prove(&self, patience: Duration) -> Result<(), Unproved> {
        let challenge = random::hex(32);
        let token = &self.seals.verification_token;
        let question = json!({ "challenge": challenge, "token": token, "type": "url_verification" });
        let posted = self.post(&self.seals.question(&question), patience).await?;
        let echoed = posted.body.is_some_and(|body| body["challenge"] == challenge.as_str());
        if posted.status == 200 && echoed { Ok(()) } else { Err(Unproved::Wrong(posted.status)) }
    }

    /// What would be posted of an envelope now.
    #[must_use]
    pub fn letter(&self, envelope: &[u8], now_ms: u64) -> Letter {
        self.seals.event(envelope, now_ms)
    }

    /// Posts a letter.
    pub async fn post(&self, letter: &Letter, patience: Duration) -> Result<Posted, PostError> {
        let mut request = self.client.post(self.url.clone()).header("content-type", "application/json; charset=utf-8");
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        let answered = async {
            let response = request.body(letter.body.clone()).send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>(Posted { status, body: serde_json::from_slice(&response.bytes().await?).ok() })
        };
        let answer = tokio::time::timeout(patience, answered).await.map_err(|_| PostError::Timeout)?;
        answer.map_err(|_| PostError::Away)
    }

    /// Posts a card click and gives what answers it, in the form of today.
    pub async fn click(&self, envelope: &Value, now_ms: u64, patience: Duration) -> Result<Value, CallbackError> {
        let letter = if self.old_clicks {
            self.seals.old_click(&flat(envelope), now_ms)
        } else {
            self.letter(envelope.to_string().as_bytes(), now_ms)
        };
        let posted = self.post(&letter, patience).await.map_err(|error| match error {
            PostError::Timeout => CallbackError::Timeout,
            PostError::Away => CallbackError::Unreachable,
        })?;
        match posted {
            Posted { status: 200, body: Some(answer @ Value::Object(_)) } => {
                Ok(if self.old_clicks { modern(answer) } else { answer })
            }
            Posted { status: 200, .. } => Err(CallbackError::BadAnswer("not a JSON object")),
            Posted { status, .. } => Err(CallbackError::HandlerFailed(status.into())),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// `card.action.trigger` as `card.action.trigger_v1` says it.
fn flat(envelope: &Value) -> Value {
    let event = &envelope["event"];
    json!({
        "open_id": event["operator"]["open_id"],
        "tenant_key": event["operator"]["tenant_key"],
        "open_message_id": event["context"]["open_message_id"],
        "open_chat_id": event["context"]["open_chat_id"],
        "token": event["token"],
        "action": event["action"],
    })
}

/// The older answer is the card itself, with a toast beside its fields.
fn modern(mut answer: Value) -> Value {
    let toast = answer.as_object_mut().and_then(|fields| fields.remove("toast"));
    let empty = answer.as_object().is_none_or(serde_json::Map::is_empty);
    let card = (!empty).then(|| json!({ "type": "raw", "data": answer }));
    json!({ "toast": toast, "card": card })
}
