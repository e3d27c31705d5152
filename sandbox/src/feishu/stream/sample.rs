//! Events of the stream's own making, so that a client can be tried with nothing else running.

use serde_json::{Value, json};

use super::source::Random;

/// The person in the samples.
const OPEN_ID: &str = "ou_84aad35d084aa403a838cf73ee184670";
const UNION_ID: &str = "on_8ed6aa67826108097d9ee14381634500";

/// What a sample says about where it comes from.
pub(super) struct Sample<'a> {
    pub(super) app_id: &'a str,
    pub(super) tenant_key: &'a str,
    pub(super) now_ms: u64,
}

impl Sample<'_> {
    /// `im.message.receive_v1`: somebody said hello to the bot.
    pub(super) fn message(&self, random: &mut Random) -> Value {
        let at = self.now_ms.to_string();
        let event = json!({
            "sender": {
                "sender_id": {"open_id": OPEN_ID, "union_id": UNION_ID},
                "sender_type": "user",
                "tenant_key": self.tenant_key,
            },
            "message": {
                "message_id": format!("om_{}", random.hex32()),
                "create_time": at,
                "update_time": at,
                "chat_id": "oc_5ce6d572455d361153b7cb51da133945",
                "chat_type": "p2p",
                "message_type": "text",
                "content": r#"{"text":"hello 你好"}"#,
            },
        });
        self.envelope("im.message.receive_v1", &at, event, random)
    }

    /// `card.action.trigger`: somebody tapped a button.
    pub(super) fn card_action(&self, random: &mut Random) -> Value {
        // Callbacks count microseconds where events count milliseconds.
        let at = format!("{}000", self.now_ms);
        let event = json!({
            "operator": {
                "tenant_key": self.tenant_key,
                "open_id": OPEN_ID,
                "union_id": UNION_ID,
            },
            "token": format!("c-{}", random.hex32()),
            "action": {"value": {"sample": "true"}, "tag": "button", "name": "sample"},
            "host": "im_message",
            "context": {
                "open_message_id": "om_574d639e4a44e4dd646eaf628e200000",
                "open_chat_id": "oc_5ce6d572455d361153b7cb51da133945",
            },
        });
        self.envelope("card.action.trigger", &at, event, random)
    }

    fn envelope(&self, kind: &str, created: &str, event: Value, random: &mut Random) -> Value {
        let header = json!({
            "event_id": random.hex32(),
            "token": "sandbox-verification-token",
            "create_time": created,
            "event_type": kind,
            "tenant_key": self.tenant_key,
            "app_id": self.app_id,
        });
        let mut envelope = json!({"schema": "2.0", "header": header});
        envelope["event"] = event;
        envelope
    }
}
