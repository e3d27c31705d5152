//! A person taps a card: the callback goes out over the long connection, and what is answered within two seconds changes the card.

use serde_json::{Value, json};

use super::card::update;
use super::stream::CallbackError;
use super::{DingTalk, person};
use crate::world::people::PersonId;

/// A tap as the chat page reports it.
pub struct Tap {
    /// Who taps. Usually somebody who was sent the card; somebody else stands for a forwarded one.
    pub person: PersonId,
    /// The card, by its `outTrackId` or by the message it is in.
    pub card: String,
    /// The ids of the buttons tapped: one.
    pub action_ids: Vec<String>,
    /// What the buttons carry.
    pub params: Value,
}

/// Why a tap came to nothing, as the person's client shows it. The codes are the sandbox's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapError {
    /// There is no such card.
    #[error("the card is not there")]
    NoCard,
    /// The app gave no usable answer.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The app's answer cannot be applied.
    #[error("the app's answer has a wrong format: {0}")]
    Answer(String),
}

impl TapError {
    /// A word for the page and for tests.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoCard => "noCard",
            Self::Callback(CallbackError::NoConnection) => "nobodyListens",
            Self::Callback(CallbackError::Timeout) => "timeout",
            Self::Callback(CallbackError::Refused(_)) => "refused",
            Self::Callback(CallbackError::Malformed) | Self::Answer(_) => "malformed",
        }
    }
}

/// Sends the callback and applies its answer.
pub async fn tap(dingtalk: &DingTalk, tap: &Tap) -> Result<(), TapError> {
    let out_track_id = dingtalk.cards().of_message(&tap.card).map_or_else(|| tap.card.clone(), str::to_owned);
    let (client_id, data) = callback(dingtalk, &out_track_id, tap).ok_or(TapError::NoCard)?;
    let stream = dingtalk.stream(&client_id).ok_or(TapError::Callback(CallbackError::NoConnection))?;
    let response = stream.card_action(&out_track_id, &data).await?;
    update::apply(dingtalk, &out_track_id, tap.person, &response).map_err(TapError::Answer)
}

/// The app to be asked, and the data: three levels of JSON inside one another.
fn callback(dingtalk: &DingTalk, out_track_id: &str, tap: &Tap) -> Option<(String, Value)> {
    let state = dingtalk.world.lock();
    let card = dingtalk.cards().get(out_track_id).cloned()?;
    let corp_id = state.apps.get(&card.client_id)?.tenant_key.clone();
    let who = state.people.get(tap.person);
    let user_id = if card.user_id_type == 2 { person::union_id(who) } else { &who.user_id };
    let content = json!({"cardPrivateData": {"actionIds": tap.action_ids, "params": tap.params}}).to_string();
    let data = json!({
        "type": "actionCallback",
        "outTrackId": out_track_id,
        "userId": user_id,
        "userIdType": card.user_id_type,
        "corpId": corp_id,
        "spaceType": "im",
        "spaceId": card.space_id,
        "extension": "{}",
        "content": content,
        "value": content,
    });
    Some((card.client_id, data))
}
