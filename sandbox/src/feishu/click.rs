//! A person taps a card: the callback goes out over the long connection, its answer becomes a toast or a new card.

use std::sync::Arc;

use serde_json::{Value, json};

use super::stream::Stream;
use super::{Feishu, card, events};
use crate::random;
use crate::world::messages::Message;
use crate::world::people::PersonId;

/// A tap as the chat page reports it.
pub struct Tap {
    /// Who taps. Usually the person whose chat it is; somebody else stands for a forwarded card.
    pub person: PersonId,
    /// On which message.
    pub message_id: String,
    /// `tag`, `name`, `value`, `form_value` of the component.
    pub action: Value,
}

/// Why a tap came to nothing, as the person's client shows it.
#[derive(Debug, thiserror::Error)]
#[error("{text} ({code})")]
pub struct TapError {
    /// The platform's code, such as 200341.
    pub code: i64,
    /// What it means.
    pub text: &'static str,
}

impl TapError {
    const fn new(code: i64) -> Self {
        let text = match code {
            200_080 => "the message is not there",
            200_340 => "nobody listens for card clicks",
            200_341 => "the app did not answer in time",
            200_342 => "the app's address cannot be reached",
            200_671 => "the app answered with an error",
            200_672 => "the app's answer has a wrong format",
            200_673 => "the app answered with a card that cannot be shown",
            200_830 => "a 2.0 card cannot become a 1.0 card",
            _ => "internal error",
        };
        Self { code, text }
    }
}

/// Sends the callback and applies its answer. Returns the toast, if there is one.
pub async fn tap(feishu: &Feishu, tap: &Tap) -> Result<Option<Value>, TapError> {
    let (envelope, stream, token) = prepare(feishu, tap)?;
    let answer = stream.callback(envelope).await;
    if let Some(click) = feishu.world.lock().messages.click_mut(&token) {
        click.answered = true;
    }
    let answer = answer.map_err(|error| TapError::new(error.code()))?;
    apply(feishu, &tap.message_id, &answer)
}

fn prepare(feishu: &Feishu, tap: &Tap) -> Result<(Value, Arc<Stream>, String), TapError> {
    let mut state = feishu.world.lock();
    let now_ms = feishu.clock.now_ms();
    let message = state.messages.get(&tap.message_id).cloned().ok_or(TapError::new(200_080))?;
    let app = state.apps.get(&message.app_id).cloned().ok_or(TapError::new(200_080))?;
    let stream = feishu.stream(&app.app_id).ok_or(TapError::new(200_340))?;
    let token = state.messages.click(&message.message_id, &app.app_id, now_ms);
    let person = state.people.get(tap.person);
    let operator = json!({
        "tenant_key": person.tenant_key,
        "open_id": person.open_id_for(&app.app_id),
        "union_id": person.union_id,
    });
    let event = event(&message, &operator, &token, &tap.action);
    Ok((events::envelope(&app, "card.action.trigger", now_ms, &event), stream, token))
}

fn event(message: &Message, operator: &Value, token: &str, action: &Value) -> Value {
    json!({
        "operator": operator,
        "token": token,
        "action": action,
        "host": "im_message",
        "context": {"open_message_id": message.message_id, "open_chat_id": message.chat_id},
    })
}

fn apply(feishu: &Feishu, message_id: &str, answer: &Value) -> Result<Option<Value>, TapError> {
    let fields = answer.as_object().ok_or(TapError::new(200_672))?;
    let toast = fields.get("toast").filter(|toast| !toast.is_null());
    if let Some(toast) = toast {
        check_toast(toast)?;
    }
    if let Some(change) = fields.get("card").filter(|change| !change.is_null()) {
        let (shown, content) = new_card(change)?;
        let now_ms = feishu.clock.now_ms();
        let version = feishu.world.lock().messages.replace(message_id, shown, content, now_ms);
        feishu.world.announce(version.unwrap_or_default());
    }
    Ok(toast.cloned())
}

fn check_toast(toast: &Value) -> Result<(), TapError> {
    let known = ["info", "success", "error", "warning"];
    let kind = toast["type"].as_str().unwrap_or("info");
    let fine = known.contains(&kind) && (toast["content"].is_string() || toast["i18n"].is_object());
    if fine { Ok(()) } else { Err(TapError::new(200_672)) }
}

/// The card to show, and the same as a content string.
fn new_card(change: &Value) -> Result<(Value, String), TapError> {
    let card = match change["type"].as_str() {
        Some("raw") => change["data"].clone(),
        Some("template") => json!({"type": "template", "data": change["data"]}),
        _ => return Err(TapError::new(200_672)),
    };
    let content = card.to_string();
    match card::parse(&content) {
        Ok(shown) => Ok((shown, content)),
        Err(_) if change["type"] == "raw" && card["schema"] != "2.0" => Err(TapError::new(200_830)),
        Err(_) => Err(TapError::new(200_673)),
    }
}

/// `im.message.receive_v1`: the person writes `text` to the bot.
pub async fn say(feishu: &Feishu, person: PersonId, app_id: &str, text: &str) -> Option<String> {
    let now_ms = feishu.clock.now_ms();
    let event = {
        let state = feishu.world.lock();
        let sender = state.people.get(person);
        json!({
            "sender": {
                "sender_id": events::ids(sender, app_id),
                "sender_type": "user",
                "tenant_key": sender.tenant_key,
            },
            "message": {
                "message_id": format!("om_{}", random::hex(32)),
                "create_time": now_ms.to_string(),
                "update_time": now_ms.to_string(),
                "chat_id": crate::world::messages::chat_id(app_id, person),
                "chat_type": "p2p",
                "message_type": "text",
                "content": json!({"text": text}).to_string(),
            },
        })
    };
    events::push(feishu, app_id, "im.message.receive_v1", &event).await
}
