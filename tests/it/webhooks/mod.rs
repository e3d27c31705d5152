//! Events by webhook: as the only way, beside the long connection, and in its place while it is away.

mod bad;
mod conformance;
mod fallback;
mod story;

use cardkey_sandbox::{ALICE, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use crate::harness::{APP, World, verification_token};

const READ: &[&str] = &["apaas:app:read"];
const MESSAGE: &str = "im.message.receive_v1";

/// An event as the platform wraps it for a webhook: with the verification token.
fn envelope(id: &str) -> Value {
    let mut envelope = World::envelope(id, MESSAGE);
    envelope["header"]["token"] = json!(verification_token(APP));
    envelope
}

/// Alice's tap on the Reject button of her card, as an event.
fn rejection(id: &str, card: &Value) -> Value {
    let button = World::button(card, "reject");
    let callback = button["behaviors"].as_array().unwrap().iter().find(|it| it["type"] == "callback").unwrap().clone();
    let mut envelope = envelope(id);
    envelope["header"]["event_type"] = json!("card.action.trigger");
    envelope["event"] = json!({
        "operator": { "open_id": ALICE, "tenant_key": DEFAULT_TENANT_KEY },
        "token": "c-1",
        "action": { "tag": "button", "value": callback["value"] },
        "context": { "open_message_id": card["message_id"], "open_chat_id": "oc_1" },
    });
    envelope
}
