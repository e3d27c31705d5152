//! What a client wants to hear.

use std::collections::BTreeSet;

use serde_json::Value;

use super::frame::Kind;

/// The kinds and topics of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions(BTreeSet<(Kind, String)>);

impl Subscriptions {
    /// Reads `subscriptions` of an open request; the error says what is wrong with it. `SYSTEM` topics are taken and mean nothing.
    pub fn read(list: &Value) -> Result<Self, &'static str> {
        let list = list.as_array().ok_or("subscriptions is not a list")?;
        let mut topics = BTreeSet::new();
        for one in list {
            let kind = one["type"].as_str().and_then(Kind::of_name).ok_or("a subscription of no known type")?;
            let topic = one["topic"].as_str().filter(|topic| !topic.is_empty()).ok_or("a subscription has no topic")?;
            if kind == Kind::Event && topic != "*" {
                return Err("the only topic of events is *");
            }
            topics.insert((kind, topic.to_owned()));
        }
        Ok(Self(topics))
    }

    /// Whether such a push is wanted.
    #[must_use]
    pub fn want(&self, kind: Kind, topic: &str) -> bool {
        self.0.iter().any(|(known, name)| *known == kind && name == topic)
    }

    /// As a log writes them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(kind, topic)| format!("{} {topic}", kind.name())).collect()
    }
}
