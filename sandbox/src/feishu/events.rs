//! Envelopes of the events that the platform pushes by itself.

use serde_json::{Value, json};

use super::Feishu;
use crate::random;
use crate::world::apps::App;
use crate::world::people::Person;

/// An event in the envelope of schema 2.0. `create_time` is milliseconds, or microseconds for card clicks, as in life.
#[must_use]
pub fn envelope(app: &App, event_type: &str, now_ms: i64, event: &Value) -> Value {
    let create_time = if event_type.starts_with("card.") { now_ms * 1000 } else { now_ms };
    json!({
        "schema": "2.0",
        "header": {
            "event_id": random::hex(32),
            "token": app.verification_token,
            "create_time": create_time.to_string(),
            "event_type": event_type,
            "tenant_key": app.tenant_key,
            "app_id": app.app_id,
        },
        "event": event,
    })
}

/// The three ids of a person, as events carry them.
#[must_use]
pub fn ids(person: &Person, app_id: &str) -> Value {
    json!({"open_id": person.open_id_for(app_id), "union_id": person.union_id, "user_id": person.user_id})
}

/// Both kinds of a person's tokens, as `auth.user_access_token.revoked_v4` names them.
pub const BOTH_TOKENS: &str = "user_access_token refresh_token";

/// `auth.user_access_token.revoked_v4`.
#[must_use]
pub fn revoked(person: &Person, app_id: &str, token_type: &str, reason: &str) -> Value {
    let mut event = ids(person, app_id);
    event["revoke_token_type"] = json!(token_type);
    event["revoke_reason"] = json!(reason);
    event
}

/// A person as the events of the contact directory describe them. Number and address need scopes and are left out.
fn described(person: &Person, app_id: &str) -> Value {
    let mut object = ids(person, app_id);
    object["name"] = json!(person.name);
    object["en_name"] = json!(person.name);
    object["department_ids"] = json!(["0"]);
    object["status"] = status(person);
    object
}

fn status(person: &Person) -> Value {
    json!({
        "is_frozen": person.frozen,
        "is_resigned": person.resigned,
        "is_activated": !person.unregistered,
        "is_exited": person.exited,
        "is_unjoin": person.unregistered,
    })
}

/// `contact.user.updated_v3`: what the person is now, and of what they were only what has changed.
#[must_use]
pub fn person_updated(before: &Person, now: &Person, app_id: &str) -> Value {
    let mut old = json!({"open_id": before.open_id_for(app_id)});
    if status(before) != status(now) {
        old["status"] = status(before);
    }
    json!({"object": described(now, app_id), "old_object": old})
}

/// `contact.user.deleted_v3`: the person has left the company.
#[must_use]
pub fn person_deleted(person: &Person, app_id: &str) -> Value {
    let old = json!({"open_id": person.open_id_for(app_id), "department_ids": ["0"]});
    json!({"object": described(person, app_id), "old_object": old})
}

/// `app_status_change`, in the envelope of schema 1.0. Who did it is told only when the app is started.
#[must_use]
pub fn app_status_change(app: &App, status: &str, operator: Option<&Person>, now_ms: i64) -> Value {
    let mut event = json!({
        "type": "app_status_change",
        "app_id": app.app_id,
        "tenant_key": app.tenant_key,
        "status": status,
    });
    if let Some(person) = operator {
        event["operator"] = ids(person, &app.app_id);
    }
    json!({
        "uuid": random::hex(32),
        "token": app.verification_token,
        "ts": format!("{}.{:03}0000", now_ms.div_euclid(1000), now_ms.rem_euclid(1000)),
        "type": "event_callback",
        "event": event,
    })
}

/// Pushes an event to the app's long connections. Returns its id, or nothing if the app is not there.
pub async fn push(feishu: &Feishu, app_id: &str, event_type: &str, event: &Value) -> Option<String> {
    let app = feishu.world.lock().apps.get(app_id).cloned()?;
    let envelope = envelope(&app, event_type, feishu.clock.now_ms(), event);
    push_envelope(feishu, app_id, envelope).await
}

/// Pushes what is wrapped already. Returns the event's id, or nothing if the app is not there.
pub async fn push_envelope(feishu: &Feishu, app_id: &str, envelope: Value) -> Option<String> {
    Some(feishu.stream(app_id)?.push_event(envelope).await)
}
