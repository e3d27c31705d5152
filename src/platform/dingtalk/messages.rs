//! Messages to people: one card each in their chat with the robot, changed in place.
//!
//! A card's name at the platform (`outTrackId`) is the message's uuid, and a second card of a name is refused. So a repetition
//! is delivered once, and the refusal of it says that the first was; that is why a limited rate and a stale app token can be
//! answered by trying again ([`call_as_app`]). Everything else is the caller's to decide.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::cards::{card, headline};
use super::config::DingTalkConfig;
use super::errors::{Meaning, Spends};
use super::reply::Failure;
use crate::domain::card::{Card, CardRef};
use crate::domain::ids::{MessageId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::app_call::call_as_app;
use crate::platform::app_token::AppToken;
use crate::platform::effect::Effect;
use crate::platform::pacing::{Pace, Pacing};
use crate::platform::{Cards, PlatformCode, PlatformError, SendError};

/// The platform's limit: 20 a second for one app and interface. By the minute it has one too, which it does not name.
const PACE: Pace = Pace { gap: Duration::from_millis(55), per_minute: 1_200 };

/// People are named by their unionId.
const UNION_ID: u8 = 2;

/// Messages of one app.
pub(super) struct Messages {
    api: Arc<Api>,
    config: Arc<DingTalkConfig>,
    app_token: AppToken,
    sends: Pacing,
    updates: Pacing,
}

impl Messages {
    pub(super) fn new(api: Arc<Api>, config: Arc<DingTalkConfig>, app_token: AppToken) -> Self {
        Self { api, config, app_token, sends: Pacing::new(PACE), updates: Pacing::new(PACE) }
    }

    fn new_card(&self, to: &SubjectId, face: &Card, uuid: &str) -> Value {
        let headline = headline(face);
        json!({
            "cardTemplateId": self.config.card.template_id,
            "outTrackId": uuid,
            "callbackType": "STREAM",
            "userIdType": UNION_ID,
            "openSpaceId": format!("dtv1.card//IM_ROBOT.{to}"),
            "cardData": {"cardParamMap": card(&self.config.card, face)},
            "imRobotOpenSpaceModel": {
                "supportForward": false,
                "lastMessageI18n": {"ZH_CN": headline.zh, "EN_US": headline.en},
            },
            "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": self.config.robot_code},
        })
    }
}

#[async_trait]
impl Cards for Messages {
    async fn send(&self, to: &SubjectId, card: &Card, uuid: &str) -> Result<CardRef, SendError> {
        if !is_one_person(to) {
            return Err(SendError::Unreachable { code: PlatformCode::clean("no-union-id") });
        }
        let card_ref = MessageId::parse(uuid).map(CardRef).map_err(|_| PlatformError::Unclear)?;
        let body = self.new_card(to, card, uuid);
        let send = |token: Secret| {
            let url = self.api.address(&["v1.0", "card", "instances", "createAndDeliver"]);
            let request = self.api.http.post(url).json(&body);
            async move { self.api.ask(request, (token.expose(), Spends::AppToken), Effect::Acts).await }
        };
        match call_as_app(&self.app_token, &self.sends, send).await {
            Ok(object) => delivered(&object).map(|()| card_ref),
            Err(Failure { meaning: Some(Meaning::AlreadyThere), .. }) => Ok(card_ref),
            Err(Failure { meaning: Some(Meaning::Unreachable), error: PlatformError::Rejected { code } }) => {
                Err(SendError::Unreachable { code })
            }
            Err(failure) => Err(SendError::Platform(failure.error)),
        }
    }

    async fn update(&self, card_ref: &CardRef, face: &Card) -> Result<(), PlatformError> {
        let body = json!({
            "outTrackId": card_ref.0.as_str(),
            "userIdType": UNION_ID,
            "cardData": {"cardParamMap": card(&self.config.card, face)},
            "cardUpdateOptions": {"updateCardDataByKey": true, "updatePrivateDataByKey": true},
        });
        let change = |token: Secret| {
            let request = self.api.http.put(self.api.address(&["v1.0", "card", "instances"])).json(&body);
            async move { self.api.ask(request, (token.expose(), Spends::AppToken), Effect::Acts).await }
        };
        let changed: Result<_, Failure> = call_as_app(&self.app_token, &self.updates, change).await;
        changed.map(drop).map_err(|failure| failure.error)
    }
}

/// A place can be several, with marks between them: an id that has such a mark would send the card somewhere else as well.
fn is_one_person(to: &SubjectId) -> bool {
    to.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
}

/// The platform's report: the card is there, and whether it reached the person.
fn delivered(object: &Map<String, Value>) -> Result<(), SendError> {
    let results = object.get("result").and_then(|result| result["deliverResults"].as_array());
    match results.and_then(|results| results.first()).map(|result| &result["success"]) {
        Some(Value::Bool(true)) => Ok(()),
        Some(Value::Bool(false)) => Err(SendError::Unreachable { code: PlatformCode::clean("not-delivered") }),
        _ => Err(SendError::Platform(PlatformError::Unclear)),
    }
}
