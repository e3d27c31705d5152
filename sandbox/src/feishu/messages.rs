//! Bot messages: `POST /open-apis/im/v1/messages` and `PATCH /open-apis/im/v1/messages/:message_id`.
//!
//! A message's `uuid` makes sending idempotent for an hour: the same message comes back and nobody sees two.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::card::{self, CardProblem};
use super::errors::{Refusal, success};
use super::rate_limit::windows;
use super::{Feishu, bearer};
use crate::world::State as WorldState;
use crate::world::apps::App;
use crate::world::messages::{Message, NewMessage};
use crate::world::people::PersonId;

/// For how long a `uuid` sends only once, in seconds.
const UUID_WINDOW_S: i64 = 3600;
/// How old a card may be and still be changed, in seconds.
const CARD_AGE_S: i64 = 14 * 24 * 3600;
/// The most bytes of a text message.
const TEXT_LIMIT: usize = 150 * 1024;

/// How the receiver is named.
#[derive(Deserialize)]
pub struct ReceiverQuery {
    receive_id_type: Option<String>,
}

/// Sends a message.
pub async fn create(
    State(feishu): State<Arc<Feishu>>,
    Query(receiver): Query<ReceiverQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = receiver.receive_id_type.unwrap_or_default();
    let (message, sender) = store(&feishu, &kind, &headers, &body)?;
    feishu.world.announce(message.version);
    Ok(success(&described(&message, &sender)))
}

fn store(feishu: &Feishu, kind: &str, headers: &HeaderMap, body: &[u8]) -> Result<(Message, App), Refusal> {
    let mut state = feishu.world.lock();
    let app = sender(feishu, &state, headers)?;
    let body: Value = serde_json::from_slice(body).map_err(|_| invalid("the body is not JSON"))?;
    let receive_id = body["receive_id"].as_str().ok_or_else(|| invalid("receive_id is required"))?;
    let person = receiver(&state, &app, kind, receive_id)?;
    let now_ms = feishu.clock.now_ms();
    let uuid = uuid(&body)?;
    let window_ms = feishu.clock.period_ms(UUID_WINDOW_S);
    if let Some(sent) = uuid.as_deref().and_then(|uuid| state.messages.sent_with(&app.app_id, uuid, now_ms, window_ms))
    {
        return Ok((sent.clone(), app));
    }
    feishu.limits.count(&windows("messages_create", &app.app_id, receive_id), now_ms)?;
    let (msg_type, content, card) = content(&body)?;
    let new = NewMessage { app_id: app.app_id.clone(), person, msg_type, content, card, uuid };
    Ok((state.messages.add(new, now_ms), app))
}

/// Replaces the card of a message.
pub async fn update(
    State(feishu): State<Arc<Feishu>>,
    Path(message_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let version = replace(&feishu, &message_id, &headers, &body)?;
    feishu.world.announce(version);
    Ok(success(&json!({})))
}

fn replace(feishu: &Feishu, message_id: &str, headers: &HeaderMap, body: &[u8]) -> Result<u64, Refusal> {
    let mut state = feishu.world.lock();
    let app = sender(feishu, &state, headers)?;
    let body: Value = serde_json::from_slice(body).map_err(|_| invalid("the body is not JSON"))?;
    let deleted = || Refusal::bad(230_110, "the message is not there or was deleted");
    let message = state.messages.get(message_id).ok_or_else(deleted)?;
    if message.app_id != app.app_id {
        return Err(Refusal::bad(200_310, "the card was not sent by this app"));
    }
    if message.msg_type != "interactive" {
        return Err(Refusal::bad(230_001, "only cards can be changed"));
    }
    let now_ms = feishu.clock.now_ms();
    if now_ms - message.created_ms > feishu.clock.period_ms(CARD_AGE_S) {
        return Err(Refusal::bad(230_031, "the message is older than 14 days"));
    }
    feishu.limits.count(&windows("messages_patch", &app.app_id, message_id), now_ms)?;
    let content = body["content"].as_str().ok_or_else(|| invalid("content is required"))?;
    let card = sized_card(content)?;
    state.messages.replace(message_id, card, content.to_owned(), now_ms).ok_or_else(deleted)
}

fn sender(feishu: &Feishu, state: &WorldState, headers: &HeaderMap) -> Result<App, Refusal> {
    let app = bearer::tenant(feishu, state, headers)?;
    if !app.bot {
        return Err(Refusal::bad(230_006, "the bot ability is not activated"));
    }
    Ok(app)
}

fn receiver(state: &WorldState, app: &App, kind: &str, receive_id: &str) -> Result<PersonId, Refusal> {
    let not_an_id = || Refusal::bad(99_992_351, "the id is not a valid open_id");
    let person = match kind {
        "open_id" => match state.people.find_with_app(receive_id) {
            Some((_, owner)) if owner != app.app_id => {
                return Err(Refusal::bad(99_992_361, "open_id cross app"));
            }
            found => found.map(|(person, _)| person),
        },
        "union_id" => state.people.find_union(receive_id),
        "user_id" => state.people.find_by(|person| person.user_id == receive_id),
        "email" => state.people.find_by(|person| person.email == receive_id),
        "chat_id" => chat(state, app, receive_id),
        _ => {
            return Err(invalid("receive_id_type must be open_id, user_id, union_id, email or chat_id"));
        }
    };
    let id = person.ok_or_else(not_an_id)?;
    let person = state.people.get(id);
    if !person.reachable() || person.tenant_key != app.tenant_key {
        return Err(Refusal::bad(230_013, "the bot has no availability to this user"));
    }
    Ok(id)
}

fn chat(state: &WorldState, app: &App, chat_id: &str) -> Option<PersonId> {
    let of = |person: &crate::world::people::Person| {
        let id = state.people.find(&person.open_id);
        id.is_some_and(|id| crate::world::messages::chat_id(&app.app_id, id) == chat_id)
    };
    state.people.find_by(of)
}

fn uuid(body: &Value) -> Result<Option<String>, Refusal> {
    match body["uuid"].as_str().filter(|uuid| !uuid.is_empty()) {
        Some(uuid) if uuid.chars().count() > 50 => Err(invalid("uuid has more than 50 characters")),
        uuid => Ok(uuid.map(str::to_owned)),
    }
}

/// Message type, content string and the card to draw.
fn content(body: &Value) -> Result<(String, String, Value), Refusal> {
    let content = body["content"].as_str().ok_or_else(|| invalid("content must be a string"))?;
    let msg_type = body["msg_type"].as_str().unwrap_or_default();
    let card = match msg_type {
        "interactive" => sized_card(content)?,
        "text" => text(content)?,
        _ => return Err(invalid("msg_type must be interactive or text here")),
    };
    Ok((msg_type.to_owned(), content.to_owned(), card))
}

fn text(content: &str) -> Result<Value, Refusal> {
    if content.len() > TEXT_LIMIT {
        return Err(Refusal::bad(230_025, "the message is too long"));
    }
    let parsed: Value = serde_json::from_str(content).map_err(|_| invalid("content is not JSON"))?;
    parsed["text"].as_str().map(card::of_text).ok_or_else(|| invalid("content has no text"))
}

/// A card from a content string, if it is short enough and right.
fn sized_card(content: &str) -> Result<Value, Refusal> {
    if content.len() > card::SIZE_LIMIT {
        return Err(Refusal::bad(230_025, "the card is longer than 30 KB"));
    }
    card::parse(content).map_err(|problem| refused(&problem))
}

/// The envelope 230099 around a card's problem.
#[must_use]
pub fn refused(problem: &CardProblem) -> Refusal {
    Refusal::bad(230_099, &format!("Failed to create card content, ext={problem}"))
}

fn invalid(text: &str) -> Refusal {
    Refusal::bad(99_992_402, &format!("field validation failed: {text}"))
}

fn described(message: &Message, app: &App) -> Value {
    json!({
        "message_id": message.message_id,
        "msg_type": message.msg_type,
        "create_time": message.created_ms.to_string(),
        "update_time": message.updated_ms.to_string(),
        "deleted": false,
        "updated": message.updated,
        "chat_id": message.chat_id,
        "sender": {
            "id": app.app_id,
            "id_type": "app_id",
            "sender_type": "app",
            "tenant_key": app.tenant_key,
        },
        "body": {"content": message.content},
    })
}
