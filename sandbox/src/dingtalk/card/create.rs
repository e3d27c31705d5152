//! `POST /v1.0/card/instances`, `…/deliver`, and the two in one: `…/createAndDeliver`.
//!
//! `outTrackId` is the app's own name for a card: a second card of the same name is refused, so that a repeated request shows nobody
//! two.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::space::{self, Space};
use super::{Card, params};
use crate::dingtalk::refusal::Refusal;
use crate::dingtalk::{DingTalk, bearer, person, throttle};
use crate::world::State as WorldState;
use crate::world::apps::App;
use crate::world::messages::NewMessage;
use crate::world::people::PersonId;

/// The permission of all card interfaces.
pub(super) const PERMISSION: &str = "Card.Instance.Write";

/// Makes a card.
pub async fn create(
    State(dingtalk): State<Arc<DingTalk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut state = dingtalk.world.lock();
    let (app, body) = asked(&dingtalk, &state, &headers, &body, "card_create")?;
    let out_track_id = store(&dingtalk, &mut state, &app, &body)?;
    Ok(Json(json!({"success": true, "result": out_track_id})))
}

/// Delivers a card that is there.
pub async fn deliver(
    State(dingtalk): State<Arc<DingTalk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut state = dingtalk.world.lock();
    let (app, body) = asked(&dingtalk, &state, &headers, &body, "card_deliver")?;
    let spaces = spaces(&body, &app)?;
    let out_track_id = named(&body, "outTrackId", "param.outTrackIdEmpty")?;
    let known = dingtalk.cards().get(out_track_id).is_some_and(|card| card.client_id == app.app_id);
    if !known {
        return Err(Refusal::bad("param.cardNotExist", "there is no such card"));
    }
    let results = show(&dingtalk, &mut state, out_track_id, &spaces);
    drop(state);
    Ok(Json(json!({"success": true, "result": results})))
}

/// Makes a card and delivers it.
pub async fn create_and_deliver(
    State(dingtalk): State<Arc<DingTalk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut state = dingtalk.world.lock();
    let (app, body) = asked(&dingtalk, &state, &headers, &body, "card_deliver")?;
    named(&body, "outTrackId", "param.outTrackIdEmpty")?;
    let spaces = spaces(&body, &app)?;
    let out_track_id = store(&dingtalk, &mut state, &app, &body)?;
    let results = show(&dingtalk, &mut state, &out_track_id, &spaces);
    drop(state);
    Ok(Json(json!({"success": true, "result": {"outTrackId": out_track_id, "deliverResults": results}})))
}

/// The app that asks, and what it asks.
pub(super) fn asked(
    dingtalk: &DingTalk,
    state: &WorldState,
    headers: &HeaderMap,
    body: &[u8],
    api: &str,
) -> Result<(App, Value), Refusal> {
    let app = bearer::app(dingtalk, state, headers, PERMISSION)?;
    throttle::count(dingtalk, api, &app.app_id)?;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if body.is_object() { Ok((app, body)) } else { Err(Refusal::bad("param.empty", "the body is no JSON object")) }
}

/// A text that must be there.
pub(super) fn named<'a>(body: &'a Value, field: &str, code: &str) -> Result<&'a str, Refusal> {
    let text = body[field].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::bad(code, &format!("{field} is empty")))
}

/// How people are named: 1 by `userId`, 2 by `unionId`.
pub(super) fn user_id_type(body: &Value) -> Result<i64, Refusal> {
    match &body["userIdType"] {
        Value::Null => Ok(1),
        kind => kind
            .as_i64()
            .filter(|kind| matches!(kind, 1 | 2))
            .ok_or_else(|| Refusal::bad("param.invalid", "userIdType must be 1 or 2")),
    }
}

fn spaces(body: &Value, app: &App) -> Result<Vec<Space>, Refusal> {
    let spaces = space::read(body["openSpaceId"].as_str().unwrap_or_default())?;
    spaces.iter().try_for_each(|space| space::check(space, body, &app.app_id))?;
    Ok(spaces)
}

fn store(dingtalk: &DingTalk, state: &mut WorldState, app: &App, body: &Value) -> Result<String, Refusal> {
    let out_track_id = named(body, "outTrackId", "param.outTrackIdEmpty")?;
    let template = named(body, "cardTemplateId", "param.cardTemplateIdEmpty")?;
    let mut cards = dingtalk.cards();
    match cards.template(template) {
        Some(true) => {}
        Some(false) => return Err(Refusal::bad("param.templateUnpublished", "the template is not published")),
        None => return Err(Refusal::bad("param.templateNotExist", "there is no such template")),
    }
    if !matches!(body["callbackType"].as_str(), None | Some("STREAM" | "HTTP")) {
        return Err(Refusal::bad("param.invalid", "callbackType must be STREAM or HTTP"));
    }
    let kind = user_id_type(body)?;
    let card = Card {
        client_id: app.app_id.clone(),
        template: template.to_owned(),
        user_id_type: kind,
        public: params::required(&body["cardData"])?,
        private: private(state, &body["privateData"], kind)?,
        shown: BTreeMap::new(),
        space_id: String::new(),
    };
    if cards.get(out_track_id).is_some() {
        return Err(Refusal::bad("param.cardAlreadyExist", "there is a card of this outTrackId"));
    }
    cards.put(out_track_id, card);
    Ok(out_track_id.to_owned())
}

/// Reads `{userId: {cardParamMap}}`.
pub(super) fn private(
    state: &WorldState,
    data: &Value,
    kind: i64,
) -> Result<HashMap<PersonId, params::Params>, Refusal> {
    let mut all = HashMap::new();
    for (user, data) in data.as_object().into_iter().flatten() {
        let id = person::find(state, user, kind);
        let id = id.ok_or_else(|| Refusal::bad("param.userIdNotExist", &format!("there is no user {user}")))?;
        all.insert(id, params::required(data)?);
    }
    Ok(all)
}

/// Shows a card at each place; gives the platform's report.
fn show(dingtalk: &DingTalk, state: &mut WorldState, out_track_id: &str, spaces: &[Space]) -> Vec<Value> {
    let now_ms = dingtalk.clock.now_ms();
    spaces
        .iter()
        .map(|space| {
            let Some(mut card) = dingtalk.cards().get(out_track_id).cloned() else {
                return Value::Null;
            };
            let people = space::people(state, space, &card.client_id, card.user_id_type);
            let reached: Vec<_> = people.into_iter().filter(|id| state.people.get(*id).reachable()).collect();
            card.space_id.clone_from(&space.id);
            dingtalk.cards().put(out_track_id, card.clone());
            let mut carrier = String::new();
            for id in &reached {
                carrier = show_to(dingtalk, state, out_track_id, &card, *id, now_ms);
            }
            report(space, &carrier)
        })
        .collect()
}

fn show_to(
    dingtalk: &DingTalk,
    state: &mut WorldState,
    out_track_id: &str,
    card: &Card,
    id: PersonId,
    now_ms: i64,
) -> String {
    let seen = card.seen_by(out_track_id, id);
    let new = NewMessage {
        app_id: card.client_id.clone(),
        person: id,
        msg_type: "interactive".to_owned(),
        content: seen.to_string(),
        card: seen,
        uuid: None,
    };
    let message = state.messages.add(new, now_ms);
    dingtalk.cards().showed(out_track_id, id, &message.message_id);
    dingtalk.world.announce(message.version);
    message.message_id
}

fn report(space: &Space, carrier: &str) -> Value {
    let success = !carrier.is_empty();
    json!({
        "spaceType": space.kind.name(),
        "spaceId": space.id,
        "success": success,
        "carrierId": if success { carrier } else { "" },
        "errorMsg": if success { "" } else { "nobody there can be reached" },
    })
}
