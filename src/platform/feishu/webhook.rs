//! Events and card taps that the platform posts to our address.
//!
//! A request is authentic if it is signed over its raw bytes: SHA-256 of time, nonce, encrypt key and body; for taps in the
//! form before this one (`card.action.trigger_v1`, which nothing else may come in) SHA-1 with the verification token in
//! the key's place. It was signed less than five minutes ago, or ahead, and its nonce is new. The body is usually sealed
//! with the encrypt key, and is opened only after the signature held.
//!
//! One thing is answered without a signature: the question whether the address is ours, if it is sealed with our key. The
//! official clients do not look at its signature either. Whatever else is unsigned is refused in the same words, whether
//! it opens or not, so that nobody learns from our answers what a sealed text holds. A question that is neither sealed
//! nor signed comes from an app without an encrypt key: it is refused, so that the console says so when the address is
//! saved and not when the first event is lost.
//!
//! Documents: the open platform's pages on receiving events and callbacks at a request URL.

mod letter;
mod nonces;
mod seal;
mod stamp;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::domain::clock::Clock;
use crate::domain::event::{Event, Outcome, Verdict};
use crate::domain::ids::AppId;
use crate::domain::secret::Secret;
use crate::platform::feishu::codec::{Renderer, shown};
use crate::platform::feishu::events::{EventReader, Unreadable};
use crate::platform::{Answer, Received, Unwelcome, Webhook};

use letter::{Letter, sealed};
use nonces::{Nonces, Taken};
use stamp::{Scheme, Stamp};

/// How far the platform's clock and ours may be apart, the way included.
const WINDOW: Duration = Duration::from_mins(5);

/// What only the platform and we know of an app's webhook.
#[derive(Debug, Clone)]
pub struct Keys {
    /// What bodies are sealed and signed with.
    pub encrypt_key: Secret,
    /// What bodies name, if that is to be looked at.
    pub verification_token: Option<Secret>,
}

/// The webhook of one app.
pub struct FeishuWebhook {
    keys: Keys,
    reader: EventReader,
    renderer: Renderer,
    clock: Arc<dyn Clock>,
    nonces: Arc<Nonces>,
}

impl FeishuWebhook {
    /// A webhook that has taken nothing yet.
    #[must_use]
    pub fn new(app: AppId, keys: Keys, renderer: Renderer, clock: Arc<dyn Clock>) -> Self {
        Self { keys, reader: EventReader::new(app), renderer, clock, nonces: Arc::default() }
    }

    /// Whether the platform signed these bytes lately; how it did.
    fn verified(&self, headers: &HeaderMap, body: &[u8]) -> Result<Stamp, Unwelcome> {
        let stamp = Stamp::read(headers).ok_or(Unwelcome::Unsigned)?;
        let now = self.clock.now();
        if now.since(stamp.at) > WINDOW || stamp.at.since(now) > WINDOW {
            return Err(Unwelcome::Stale);
        }
        let key = match stamp.scheme {
            Scheme::EncryptKey => Some(&self.keys.encrypt_key),
            Scheme::VerificationToken => self.keys.verification_token.as_ref(),
        };
        if key.is_some_and(|key| stamp.is_of(key, body)) { Ok(stamp) } else { Err(Unwelcome::Signature) }
    }

    /// The body as it was before it was sealed, if it was.
    fn opened<'a>(&self, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Unwelcome> {
        let Some(text) = sealed(body)? else { return Ok(Cow::Borrowed(body)) };
        seal::open(&self.keys.encrypt_key, &text).map(Cow::Owned).ok_or(Unwelcome::Unreadable)
    }

    /// The answer to the question whether the address is ours, if this is it and was sealed with our key.
    fn challenge(&self, body: &[u8]) -> Option<Received> {
        let text = sealed(body).ok()??;
        let opened = seal::open(&self.keys.encrypt_key, &text)?;
        match Letter::read(&opened)? {
            Letter::Challenge { challenge, token } if self.is_token(Some(&token)) => Some(echo(&challenge)),
            _ => None,
        }
    }

    fn is_token(&self, named: Option<&str>) -> bool {
        self.keys.verification_token.as_ref().is_none_or(|token| named.is_some_and(|named| token.matches(named)))
    }

    fn signed(&self, stamp: Stamp, body: &[u8]) -> Result<Received, Unwelcome> {
        let opened = self.opened(body)?;
        let (event, old) = match (Letter::read(&opened).ok_or(Unwelcome::Unreadable)?, stamp.scheme) {
            (Letter::Challenge { token, .. }, _) if !self.is_token(Some(&token)) => return Err(Unwelcome::Token),
            (Letter::Challenge { challenge, .. }, _) => return Ok(echo(&challenge)),
            (Letter::Event { .. }, Scheme::VerificationToken) => return Err(Unwelcome::Signature),
            (Letter::Event { token }, _) if !self.is_token(token.as_deref()) => return Err(Unwelcome::Token),
            (Letter::Event { .. }, _) => (self.reader.clone().read(&opened), false),
            (Letter::OldTap, _) => (self.reader.clone().read_old_tap(&opened, stamp.at), true),
        };
        let oldest = self.clock.now().minus(WINDOW);
        let taken = Nonces::take(&self.nonces, stamp.at, stamp.nonce, oldest).ok_or(Unwelcome::Replayed)?;
        self.received(event, old, taken)
    }

    fn received(&self, event: Result<Event, Unreadable>, old: bool, taken: Taken) -> Result<Received, Unwelcome> {
        let answer = self.answer(old, taken);
        match event {
            Ok(event) => Ok(Received::Event { event: Box::new(event), answer }),
            Err(Unreadable::Unwanted("foreign_app")) => Err(Unwelcome::WrongApp),
            Err(Unreadable::Unwanted(why)) => Ok(Received::Unwanted { why, answer }),
            Err(Unreadable::Bad(_)) => Err(Unwelcome::Unreadable),
        }
    }

    fn answer(&self, old: bool, taken: Taken) -> Answer {
        let renderer = self.renderer.clone();
        Box::new(move |verdict| {
            if verdict.outcome == Outcome::Accepted {
                taken.keep();
            }
            let body = if old { old_answer(verdict, &renderer) } else { Value::Object(shown(verdict, &renderer)) };
            Bytes::from(body.to_string())
        })
    }
}

impl Webhook for FeishuWebhook {
    fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Received, Unwelcome> {
        match self.verified(headers, body) {
            Ok(stamp) => self.signed(stamp, body),
            Err(unwelcome) => self.challenge(body).ok_or(unwelcome),
        }
    }
}

fn echo(challenge: &str) -> Received {
    Received::Challenge(Bytes::from(json!({ "challenge": challenge }).to_string()))
}

/// A tap of the older form is answered with the card itself, and the toast beside its fields.
fn old_answer(verdict: &Verdict, renderer: &Renderer) -> Value {
    let mut body = verdict.card.as_ref().map_or_else(|| json!({}), |card| (renderer.card)(card));
    if let (Some(toast), Some(fields)) = (verdict.toast, body.as_object_mut()) {
        fields.insert("toast".to_owned(), (renderer.toast)(toast));
    }
    body
}

#[cfg(test)]
mod tests;
