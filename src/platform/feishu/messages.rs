//! Messages to people: one card each, changed in place.
//!
//! Sending carries a message uuid, so a repetition is delivered once (the platform remembers for an hour); that is why
//! a limited rate and a stale app token can be answered here by trying again. Everything else is the caller's to
//! decide.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::api::Api;
use super::cards::card_content;
use super::config::CardOptions;
use super::errors::Meaning;
use super::pacing::Pacing;
use super::reply::{Effect, Failure};
use crate::domain::card::{Card, CardRef};
use crate::domain::ids::{MessageId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::app_token::AppToken;
use crate::platform::{Cards, PlatformError, SendError};

/// How long a call may wait for its turn, all waits together.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The shortest wait before a call is made a third time, whatever the platform says.
const SECOND_WAIT: Duration = Duration::from_secs(1);

/// Messages of one app.
pub(super) struct Messages {
    api: Arc<Api>,
    tenant_token: AppToken,
    options: CardOptions,
    sends: Pacing,
    updates: Pacing,
}

impl Messages {
    pub(super) fn new(api: Arc<Api>, tenant_token: AppToken, options: CardOptions) -> Self {
        Self { api, tenant_token, options, sends: Pacing::default(), updates: Pacing::default() }
    }

    /// Calls until the platform neither limits the rate nor refuses the app token, or no time is left.
    async fn deliver(
        &self,
        pacing: &Pacing,
        request: impl Fn(&Secret) -> RequestBuilder,
    ) -> Result<Map<String, Value>, Failure> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let (mut renewed, mut least_wait) = (false, Duration::ZERO);
        loop {
            // Before the turn, so that calls do not pile up behind a slow fetch and then leave all at once.
            self.tenant_token.get().await.map_err(Failure::of)?;
            pacing.turn(deadline).await.map_err(|late| rate_limited(late.wait))?;
            let token = self.tenant_token.get().await.map_err(Failure::of)?;
            let failure = match self.api.ask(request(&token), Effect::Acts).await {
                Ok(object) => return Ok(object),
                Err(failure) => failure,
            };
            if let PlatformError::RateLimited { after } = &failure.error {
                // For all calls of this kind, also when this one cannot wait for so long.
                pacing.hold_off((*after).max(least_wait));
                least_wait = SECOND_WAIT;
            }
            match (&failure.error, failure.meaning) {
                (PlatformError::RateLimited { after }, _) if Instant::now() + *after <= deadline => {}
                (_, Some(Meaning::StaleAppToken)) if !renewed => {
                    renewed = true;
                    self.tenant_token.invalidate(&token).await;
                }
                _ => return Err(failure),
            }
        }
    }
}

const fn rate_limited(after: Duration) -> Failure {
    Failure::of(PlatformError::RateLimited { after })
}

#[async_trait]
impl Cards for Messages {
    async fn send(&self, to: &SubjectId, card: &Card, uuid: &str) -> Result<CardRef, SendError> {
        let mut url = self.api.open(&["open-apis", "im", "v1", "messages"]);
        url.query_pairs_mut().append_pair("receive_id_type", "open_id");
        let body = json!({
            "receive_id": to.as_str(),
            "msg_type": "interactive",
            "content": card_content(&self.options, card),
            "uuid": uuid,
        });
        let request = |token: &Secret| self.api.http.post(url.clone()).bearer_auth(token.expose()).json(&body);
        let object = self.deliver(&self.sends, request).await.map_err(send_error)?;
        message_id(&object).map(CardRef).ok_or(SendError::Platform(PlatformError::Unclear))
    }

    async fn update(&self, card_ref: &CardRef, card: &Card) -> Result<(), PlatformError> {
        let url = self.api.open(&["open-apis", "im", "v1", "messages", card_ref.0.as_str()]);
        let body = json!({"content": card_content(&self.options, card)});
        let request = |token: &Secret| self.api.http.patch(url.clone()).bearer_auth(token.expose()).json(&body);
        self.deliver(&self.updates, request).await.map(|_| ()).map_err(|failure| failure.error)
    }
}

fn message_id(object: &Map<String, Value>) -> Option<MessageId> {
    MessageId::parse(object.get("data")?.get("message_id")?.as_str()?).ok()
}

fn send_error(failure: Failure) -> SendError {
    match (failure.meaning, failure.code) {
        (Some(Meaning::Unreachable), Some(code)) => SendError::Unreachable { code: code.into() },
        (Some(Meaning::UnreachableIfNamed), Some(code)) if failure.names_receiver => {
            SendError::Unreachable { code: code.into() }
        }
        _ => SendError::Platform(failure.error),
    }
}
