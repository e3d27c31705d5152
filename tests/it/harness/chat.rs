//! A person with a chat: sees cards, taps them.

use std::sync::Arc;

use cardkey_sandbox::feishu::stream::{Stream, StreamLogEntry, StreamLogKind};
use serde_json::{Value, json};

use super::setup::APP;
use super::world::World;

impl World {
    /// The messages that a person has.
    pub(crate) async fn messages(&self, person: &str) -> Vec<Value> {
        let found = self.look(&format!("messages?open_id={person}")).await;
        found.as_array().or_else(|| found["messages"].as_array()).cloned().unwrap_or_default()
    }

    /// The one card that a person has.
    pub(crate) async fn card(&self, person: &str) -> Value {
        let messages = self.messages(person).await;
        assert_eq!(messages.len(), 1, "one card: {messages:?}");
        messages[0].clone()
    }

    /// The button of this name on a card.
    pub(crate) fn button(message: &Value, name: &str) -> Value {
        fn find(value: &Value, name: &str) -> Option<Value> {
            match value {
                Value::Object(fields) if fields.get("name").and_then(Value::as_str) == Some(name) => {
                    Some(value.clone())
                }
                Value::Object(fields) => fields.values().find_map(|value| find(value, name)),
                Value::Array(items) => items.iter().find_map(|value| find(value, name)),
                _ => None,
            }
        }
        find(&message["card"], name).unwrap_or_else(|| panic!("no {name} on {message}"))
    }

    /// Where a card's Authorize button leads.
    pub(crate) fn card_link(message: &Value) -> String {
        let button = Self::button(message, "authorize");
        let behaviors = button["behaviors"].as_array().unwrap();
        let open = behaviors.iter().find(|behavior| behavior["type"] == "open_url").unwrap();
        open["default_url"].as_str().unwrap().to_owned()
    }

    /// Taps a button as `person`; the sandbox's answer holds toast and card.
    pub(crate) async fn tap(&self, person: &str, message: &Value, name: &str) -> Value {
        self.tap_with(person, message, name, &json!({})).await
    }

    /// Taps a button of a form.
    pub(crate) async fn tap_with(&self, person: &str, message: &Value, name: &str, form: &Value) -> Value {
        self.control("tap", &self.tap_of(person, message, name, form)).await
    }

    /// What the platform is told of a tap.
    pub(super) fn action(message: &Value, name: &str, form: &Value) -> Value {
        let button = Self::button(message, name);
        let behaviors = button["behaviors"].as_array().unwrap();
        let callback = behaviors.iter().find(|behavior| behavior["type"] == "callback").unwrap();
        let mut action = json!({ "tag": "button", "name": name, "value": callback["value"] });
        if form.as_object().is_some_and(|fields| !fields.is_empty()) {
            action["form_value"] = form.clone();
        }
        action
    }

    /// The app's long connection, as the sandbox sees it.
    pub(crate) fn stream(&self) -> Arc<Stream> {
        self.sandbox.feishu().stream(APP).unwrap()
    }

    /// Waits until a tap was acknowledged.
    pub(crate) async fn tap_is_reported(&self) {
        let taps = |what: &StreamLogKind| match what {
            StreamLogKind::Sent { event_type, message_id, .. } if event_type == "card.action.trigger" => {
                Some(message_id.clone())
            }
            _ => None,
        };
        let acked = |entries: &[StreamLogEntry], tap: &str| {
            entries.iter().any(
                |entry| matches!(&entry.what, StreamLogKind::Ack { message_id, code: 200, .. } if message_id == tap),
            )
        };
        let found = |entries: &[StreamLogEntry]| {
            entries.iter().filter_map(|entry| taps(&entry.what)).any(|tap| acked(entries, &tap)).then_some(())
        };
        self.stream().wait_for(found).await;
    }

    /// Waits until the person's one card has a header of this colour.
    pub(crate) async fn card_turns(&self, person: &str, template: &str) -> Value {
        let mut version = 0;
        for _ in 0..10 {
            let news = self.news(person, version).await;
            version = news["version"].as_u64().unwrap();
            let messages = self.messages(person).await;
            if let Some(message) = messages.iter().find(|message| self.setup.at.colour(message) == template) {
                assert_eq!(messages.len(), 1, "one card: {messages:?}");
                return message.clone();
            }
        }
        panic!("no card turned {template}: {:?}", self.messages(person).await);
    }

    /// Waits until another card than `known` of the person's has a header of this colour.
    pub(crate) async fn another_card_turns(&self, person: &str, known: &Value, template: &str) -> Value {
        let mut version = 0;
        for _ in 0..10 {
            version = self.news(person, version).await["version"].as_u64().unwrap();
            let messages = self.messages(person).await;
            let others = messages.iter().filter(|message| message["message_id"] != known["message_id"]);
            let mut turned = others.filter(|message| self.setup.at.colour(message) == template);
            if let Some(message) = turned.next() {
                return message.clone();
            }
        }
        panic!("no card turned {template}: {:?}", self.messages(person).await);
    }

    /// The chat page's long poll: answers when something changed after `version`.
    async fn news(&self, person: &str, version: u64) -> Value {
        let url = format!(
            "{}{}/chat/api/messages?open_id={person}&after={version}&wait=3",
            self.sandbox.base_url(),
            self.setup.at.base()
        );
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }
}
