//! The JSON frames of both directions. Every header value is a string, and so is `data`, whatever is in it.

use serde_json::{Map, Value, json};

/// The topic of a robot's messages.
pub const ROBOT_TOPIC: &str = "/v1.0/im/bot/messages/get";
/// The topic of card actions.
pub const CARD_TOPIC: &str = "/v1.0/card/instances/callback";

/// What kind of push a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The connection's own affairs.
    System,
    /// Something happened; delivered again until accepted.
    Event,
    /// Somebody wants an answer, once.
    Callback,
}

impl Kind {
    /// As frames and subscriptions call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "SYSTEM",
            Self::Event => "EVENT",
            Self::Callback => "CALLBACK",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::System, Self::Event, Self::Callback].into_iter().find(|kind| kind.name() == name)
    }
}

/// A push on its way to a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// What kind it is.
    pub kind: Kind,
    /// What it is about.
    pub topic: String,
    /// Headers besides `topic`, `contentType`, `messageId` and `time`.
    pub more: Vec<(String, String)>,
    /// A JSON text.
    pub data: String,
}

impl Push {
    /// A `SYSTEM` push.
    #[must_use]
    pub fn system(topic: &str, data: &Value) -> Self {
        Self { kind: Kind::System, topic: topic.to_owned(), more: Vec::new(), data: data.to_string() }
    }

    /// The frame under this message id.
    #[must_use]
    pub fn frame(&self, message_id: &str, time_ms: i64) -> Value {
        let mut headers = Map::new();
        let mut put = |name: &str, value: &str| headers.insert(name.to_owned(), json!(value));
        put("topic", &self.topic);
        put("contentType", "application/json");
        put("messageId", message_id);
        put("time", &time_ms.to_string());
        for (name, value) in &self.more {
            put(name, value);
        }
        json!({"specVersion": "1.0", "type": self.kind.name(), "headers": headers, "data": self.data})
    }
}

/// What a client answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    /// 200, 404, 500, …
    pub code: i64,
    /// The push that it answers.
    pub message_id: String,
    /// The text beside the code.
    pub message: String,
    /// What is in `data`; null when it is empty.
    pub data: Value,
}

/// What an answer to an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The event is taken.
    Taken,
    /// Once more, later.
    Later,
    /// Nobody there handles it.
    Unhandled,
}

impl Ack {
    /// Reads an answer; the error says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let frame: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let code = frame["code"].as_i64().ok_or("no code")?;
        let headers = frame["headers"].as_object().ok_or("no headers")?;
        if let Some((name, _)) = headers.iter().find(|(_, value)| !value.is_string()) {
            return Err(format!("the header {name} is not a string"));
        }
        let message_id = headers.get("messageId").and_then(Value::as_str).ok_or("no messageId")?.to_owned();
        let data = match &frame["data"] {
            Value::Null => Value::Null,
            Value::String(text) if text.is_empty() => Value::Null,
            Value::String(text) => serde_json::from_str(text).map_err(|error| format!("data is not JSON: {error}"))?,
            _ => return Err("data is not a string".to_owned()),
        };
        let message = frame["message"].as_str().unwrap_or_default().to_owned();
        Ok(Self { code, message_id, message, data })
    }

    /// What it asks for, if it answers an event. Official clients say "later" in three ways: by `status`, by a code, by both.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match self.code {
            _ if self.data["status"] == "LATER" => Wish::Later,
            404 => Wish::Unhandled,
            200 => Wish::Taken,
            _ => Wish::Later,
        }
    }
}
