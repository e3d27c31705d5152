//! Messages to people: one card each, changed in place.
//!
//! Sending carries a message uuid, so a repetition is delivered once (the platform remembers for an hour); that is why
//! a limited rate and a stale app token can be answered by trying again ([`call_as_app`]). Everything else is the caller's
//! to decide.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::cards::card_content;
use super::config::CardOptions;
use super::errors::Meaning;
use super::reply::Failure;
use crate::domain::card::{Card, CardRef};
use crate::domain::ids::{MessageId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::app_call::call_as_app;
use crate::platform::app_token::AppToken;
use crate::platform::effect::Effect;
use crate::platform::pacing::{Pace, Pacing};
use crate::platform::{Cards, PlatformError, SendError};

/// The platform's limits: 50 a second and 1000 a minute.
const PACE: Pace = Pace { gap: Duration::from_millis(22), per_minute: 1000 };

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
        Self { api, tenant_token, options, sends: Pacing::new(PACE), updates: Pacing::new(PACE) }
    }
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
        let send = |token: Secret| {
            let request = self.api.http.post(url.clone()).bearer_auth(token.expose()).json(&body);
            self.api.ask(request, Effect::Acts)
        };
        let object = call_as_app(&self.tenant_token, &self.sends, send).await.map_err(send_error)?;
        message_id(&object).map(CardRef).ok_or(SendError::Platform(PlatformError::Unclear))
    }

    async fn update(&self, card_ref: &CardRef, card: &Card) -> Result<(), PlatformError> {
        let url = self.api.open(&["open-apis", "im", "v1", "messages", card_ref.0.as_str()]);
        let body = json!({"content": card_content(&self.options, card)});
        let change = |token: Secret| {
            let request = self.api.http.patch(url.clone()).bearer_auth(token.expose()).json(&body);
            self.api.ask(request, Effect::Acts)
        };
        let changed: Result<_, Failure> = call_as_app(&self.tenant_token, &self.updates, change).await;
        changed.map(drop).map_err(|failure| failure.error)
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
