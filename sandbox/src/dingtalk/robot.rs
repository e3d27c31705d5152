//! A robot's messages: what people write to it, its answers by `sessionWebhook`, and what it sends by itself.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{DingTalk, bearer, person, throttle};
use crate::params::Params;
use crate::random;
use crate::world::messages::NewMessage;
use crate::world::people::PersonId;

/// How long a `sessionWebhook` works, in seconds.
const SESSION_LIFE_S: i64 = 90 * 60;

/// Where answers to robot messages go: the app, the person and the end (ms), by the session's secret.
pub type Sessions = HashMap<String, (String, PersonId, i64)>;

/// The conversation of a robot and a person, the same in every run.
#[must_use]
pub fn conversation_id(client_id: &str, person: PersonId) -> String {
    format!("cid{}", random::fixed_hex(&format!("conversation {client_id} {person:?}")))
}

/// The one group that the sandbox has: an app's robot and everybody.
#[must_use]
pub fn group_id(client_id: &str) -> String {
    format!("cid{}", random::fixed_hex(&format!("group {client_id}")))
}

/// The person writes `text` to a robot, alone or in the group. Gives the message's id and whether anybody heard it.
pub fn say(dingtalk: &DingTalk, id: PersonId, client_id: &str, text: &str, group: bool) -> Option<(String, bool)> {
    let stream = dingtalk.stream(client_id)?;
    let message_id = format!("msg{}", random::url_safe(22));
    let data = message(dingtalk, id, client_id, text, group, &message_id)?;
    let heard = stream.robot_message(&message_id, &data);
    Some((message_id, heard))
}

fn message(
    dingtalk: &DingTalk,
    id: PersonId,
    client_id: &str,
    text: &str,
    group: bool,
    message_id: &str,
) -> Option<Value> {
    let now_ms = dingtalk.clock.now_ms();
    let session = random::hex(32);
    let ends_ms = now_ms + dingtalk.clock.period_ms(SESSION_LIFE_S);
    let state = dingtalk.world.lock();
    let app = state.apps.get(client_id)?;
    let sender = state.people.get(id);
    let mut data = json!({
        "conversationId": if group { group_id(client_id) } else { conversation_id(client_id, id) },
        "chatbotCorpId": app.tenant_key,
        "chatbotUserId": format!("$:LWCP_v1:${}", random::fixed_hex(client_id)),
        "msgId": message_id,
        "senderNick": sender.name,
        "isAdmin": false,
        // Outsiders have no userId here.
        "senderStaffId": if sender.tenant_key == app.tenant_key { sender.user_id.as_str() } else { "" },
        "senderCorpId": sender.tenant_key,
        "senderId": format!("$:LWCP_v1:${}", random::fixed_hex(&sender.open_id)),
        "sessionWebhook": format!("{}/robot/sendBySession?session={session}", dingtalk.public_url),
        "sessionWebhookExpiredTime": ends_ms,
        "createAt": now_ms,
        "conversationType": if group { "2" } else { "1" },
        "isInAtList": group,
        "robotCode": client_id,
        "msgtype": "text",
        // In a group the text follows the mention, which leaves a space.
        "text": {"content": if group { format!(" {text}") } else { text.to_owned() }},
    });
    if group {
        data["conversationTitle"] = json!("Sandbox");
        data["atUsers"] = json!([{"dingtalkId": data["chatbotUserId"]}]);
    }
    drop(state);
    dingtalk.sessions().insert(session, (client_id.to_owned(), id, ends_ms));
    Some(data)
}

/// Puts a text into a person's chat.
fn show(dingtalk: &DingTalk, client_id: &str, id: PersonId, text: &str) {
    let new = NewMessage {
        app_id: client_id.to_owned(),
        person: id,
        msg_type: "text".to_owned(),
        content: text.to_owned(),
        card: json!({"text": text}),
        uuid: None,
    };
    let message = dingtalk.world.lock().messages.add(new, dingtalk.clock.now_ms());
    dingtalk.world.announce(message.version);
}

/// The readable part of a message, whatever its kind.
fn text_of(message: &Value) -> Option<&str> {
    let places = [&message["text"]["content"], &message["markdown"]["text"], &message["actionCard"]["text"]];
    places.into_iter().chain([&message["content"], &message["text"]]).find_map(Value::as_str)
}

/// `POST /robot/sendBySession`: an answer in the conversation.
pub async fn send_by_session(
    State(dingtalk): State<Arc<DingTalk>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let session = params.get("session").unwrap_or_default();
    let known = dingtalk.sessions().get(session).cloned();
    let known = known.filter(|(_, _, ends_ms)| *ends_ms > dingtalk.clock.now_ms());
    let (client_id, id, _) = known.ok_or_else(|| Refusal::old(300_001, "session 不存在"))?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = text_of(&body).ok_or_else(|| Refusal::old(400_101, "msgtype 不合法"))?;
    show(&dingtalk, &client_id, id, text);
    Ok(Json(json!({"errcode": 0, "errmsg": "ok"})))
}

/// `POST /v1.0/robot/oToMessages/batchSend`: a message to each of some people.
pub async fn batch_send(
    State(dingtalk): State<Arc<DingTalk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let bad = |what: &str| Refusal::bad("invalidParameter", what);
    let (client_id, found, invalid) = {
        let state = dingtalk.world.lock();
        let app = bearer::app(&dingtalk, &state, &headers, "qyapi_robot_sendmsg")?;
        throttle::count(&dingtalk, "robot_send", &app.app_id)?;
        if body["robotCode"] != app.app_id.as_str() {
            return Err(bad("robotCode is not the app's"));
        }
        let users = body["userIds"].as_array().filter(|users| users.len() <= 20).ok_or_else(|| bad("userIds"))?;
        let users = users.iter().filter_map(Value::as_str).map(|user| (user, person::find(&state, user, 1)));
        let (found, invalid): (Vec<_>, Vec<_>) = users.partition(|(_, id)| id.is_some());
        (app.app_id, found, invalid.into_iter().map(|(user, _)| user).collect::<Vec<_>>())
    };
    let param: Value = body["msgParam"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let text = text_of(&param).ok_or_else(|| bad("msgParam must be a JSON text"))?;
    for id in found.into_iter().filter_map(|(_, id)| id) {
        show(&dingtalk, &client_id, id, text);
    }
    let key = random::url_safe(24);
    Ok(Json(json!({"processQueryKey": key, "invalidStaffIdList": invalid, "flowControlledStaffIdList": [],
        "filteredStaffIdList": []})))
}
