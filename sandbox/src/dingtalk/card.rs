//! Interactive cards: templates, instances and what each person sees of them.
//!
//! An instance has public variables, and private ones per person that lie over them. Every value is a string. What is drawn from
//! them is the template's business; the sandbox has one template, whose variables are `title`, `status`, `theme`, `body`, `note` and
//! `buttons` (see the README).

pub mod create;
mod params;
mod space;
pub mod update;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use self::params::Params;
use crate::options::DINGTALK_TEMPLATE;
use crate::world::State;
use crate::world::people::PersonId;

/// One card, wherever it was delivered.
#[derive(Clone, Debug)]
pub struct Card {
    /// The app that made it.
    pub client_id: String,
    /// The template.
    pub template: String,
    /// 1: people are named by `userId`; 2: by `unionId`.
    pub user_id_type: i64,
    /// What everybody sees.
    pub public: Params,
    /// What lies over it, by person.
    pub private: HashMap<PersonId, Params>,
    /// Who sees it, with the message in their chat.
    pub shown: BTreeMap<PersonId, String>,
    /// The conversation it was delivered to last.
    pub space_id: String,
}

/// Templates and cards.
pub struct Cards {
    templates: HashMap<String, bool>,
    instances: HashMap<String, Card>,
    by_message: HashMap<String, String>,
}

impl Default for Cards {
    fn default() -> Self {
        let templates = HashMap::from([(DINGTALK_TEMPLATE.to_owned(), true)]);
        Self { templates, instances: HashMap::new(), by_message: HashMap::new() }
    }
}

impl Cards {
    /// Makes a template known, published or not.
    pub fn put_template(&mut self, id: &str, published: bool) {
        self.templates.insert(id.to_owned(), published);
    }

    /// Whether a template is published; `None` when there is none.
    #[must_use]
    pub fn template(&self, id: &str) -> Option<bool> {
        self.templates.get(id).copied()
    }

    /// The card that its app calls so.
    #[must_use]
    pub fn get(&self, out_track_id: &str) -> Option<&Card> {
        self.instances.get(out_track_id)
    }

    /// The `outTrackId` of the card in this message.
    #[must_use]
    pub fn of_message(&self, message_id: &str) -> Option<&str> {
        self.by_message.get(message_id).map(String::as_str)
    }

    fn get_mut(&mut self, out_track_id: &str) -> Option<&mut Card> {
        self.instances.get_mut(out_track_id)
    }

    fn put(&mut self, out_track_id: &str, card: Card) {
        self.instances.insert(out_track_id.to_owned(), card);
    }

    fn showed(&mut self, out_track_id: &str, person: PersonId, message_id: &str) {
        self.by_message.insert(message_id.to_owned(), out_track_id.to_owned());
        if let Some(card) = self.instances.get_mut(out_track_id) {
            card.shown.insert(person, message_id.to_owned());
        }
    }
}

impl Card {
    /// What a person sees: the template and its variables.
    #[must_use]
    pub fn seen_by(&self, out_track_id: &str, person: PersonId) -> Value {
        let mut variables = self.public.clone();
        variables.extend(self.private.get(&person).cloned().unwrap_or_default());
        json!({"template": self.template, "out_track_id": out_track_id, "variables": variables})
    }
}

/// Draws a card anew for everybody who sees it. Gives the newest version of the messages.
fn redraw(state: &mut State, out_track_id: &str, card: &Card, now_ms: i64) -> u64 {
    let mut newest = 0;
    for (person, message_id) in &card.shown {
        let seen = card.seen_by(out_track_id, *person);
        let content = seen.to_string();
        newest = newest.max(state.messages.replace(message_id, seen, content, now_ms).unwrap_or_default());
    }
    newest
}
