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

/// `auth.user_access_token.revoked_v4`.
#[must_use]
pub fn revoked(person: &Person, app_id: &str, reason: &str) -> Value {
    let mut event = ids(person, app_id);
    event["revoke_token_type"] = json!("user_access_token refresh_token");
    event["revoke_reason"] = json!(reason);
    event
}

/// Pushes an event to the app's long connections. Returns its id, or nothing if the app is not there.
pub async fn push(feishu: &Feishu, app_id: &str, event_type: &str, event: &Value) -> Option<String> {
    let app = feishu.world.lock().apps.get(app_id).cloned()?;
    let envelope = envelope(&app, event_type, feishu.clock.now_ms(), event);
    Some(feishu.stream(app_id)?.push_event(envelope).await)
}
