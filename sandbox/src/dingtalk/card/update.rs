//! `PUT /v1.0/card/instances`, and what the answer to a tap changes.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{create, params, redraw};
use crate::dingtalk::DingTalk;
use crate::dingtalk::refusal::Refusal;
use crate::world::State as WorldState;
use crate::world::people::PersonId;

/// Changes a card: as a whole, unless the options say by key.
pub async fn update(
    State(dingtalk): State<Arc<DingTalk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut state = dingtalk.world.lock();
    let (app, body) = create::asked(&dingtalk, &state, &headers, &body, "card_update")?;
    let out_track_id = create::named(&body, "outTrackId", "param.outTrackIdEmpty")?;
    let private = create::private(&state, &body["privateData"], create::user_id_type(&body)?)?;
    let public = match &body["cardData"] {
        Value::Null => None,
        data => Some(params::required(data)?),
    };
    let options = &body["cardUpdateOptions"];
    let mut cards = dingtalk.cards();
    let card = cards.get_mut(out_track_id).filter(|card| card.client_id == app.app_id);
    let card = card.ok_or_else(|| Refusal::bad("param.cardNotExist", "there is no such card"))?;
    if let Some(public) = public {
        params::change(&mut card.public, public, options["updateCardDataByKey"] == true);
    }
    for (id, new) in private {
        params::change(card.private.entry(id).or_default(), new, options["updatePrivateDataByKey"] == true);
    }
    let version = redraw(&mut state, out_track_id, card, dingtalk.clock.now_ms());
    dingtalk.world.announce(version);
    Ok(Json(json!({"success": true, "result": true})))
}

/// Applies the `response` to a tap of `person`; the error says what is wrong with it. `userPrivateData` is for who tapped.
pub fn apply(dingtalk: &DingTalk, out_track_id: &str, person: PersonId, response: &Value) -> Result<(), String> {
    let read = |data: &Value| if data.is_null() { Ok(None) } else { params::read(data).map(Some) };
    let (public, private) = (read(&response["cardData"])?, read(&response["userPrivateData"])?);
    let options = &response["cardUpdateOptions"];
    let mut state: std::sync::MutexGuard<'_, WorldState> = dingtalk.world.lock();
    let mut cards = dingtalk.cards();
    let card = cards.get_mut(out_track_id).ok_or("the card is gone")?;
    if public.is_none() && private.is_none() {
        return Ok(());
    }
    if let Some(public) = public {
        params::change(&mut card.public, public, options["updateCardDataByKey"] == true);
    }
    if let Some(private) = private {
        let own = card.private.entry(person).or_default();
        params::change(own, private, options["updatePrivateDataByKey"] == true);
    }
    let version = redraw(&mut state, out_track_id, card, dingtalk.clock.now_ms());
    dingtalk.world.announce(version);
    Ok(())
}
