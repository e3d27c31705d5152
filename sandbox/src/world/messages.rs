//! The messages that bots sent, and the tokens that card clicks carry.

use std::collections::HashMap;

use serde_json::Value;

use super::people::PersonId;
use crate::random;

/// One message in one person's chat with one bot.
#[derive(Clone, Debug)]
pub struct Message {
    /// `om_` and 32 hex digits.
    pub message_id: String,
    /// `oc_` and 32 hex digits: the chat of this bot and this person.
    pub chat_id: String,
    /// The bot.
    pub app_id: String,
    /// Whose chat it is in.
    pub person: PersonId,
    /// `interactive` or `text`.
    pub msg_type: String,
    /// The content string as the bot sent it.
    pub content: String,
    /// The card as shown.
    pub card: Value,
    /// When it was sent (ms).
    pub created_ms: i64,
    /// When it was changed last (ms).
    pub updated_ms: i64,
    /// Whether it was changed at all.
    pub updated: bool,
    /// The world's message version at its last change.
    pub version: u64,
}

/// What a new message is made of.
pub struct NewMessage {
    /// The bot.
    pub app_id: String,
    /// Who gets it.
    pub person: PersonId,
    /// `interactive` or `text`.
    pub msg_type: String,
    /// The content string as sent.
    pub content: String,
    /// The card to show.
    pub card: Value,
    /// The sender's idempotency key.
    pub uuid: Option<String>,
}

/// The right to change one card later, given with one click.
#[derive(Clone, Debug)]
pub struct ClickToken {
    /// The message whose card it changes.
    pub message_id: String,
    /// The app that was asked.
    pub app_id: String,
    /// When it was given (ms).
    pub issued_ms: i64,
    /// How often it was used.
    pub uses: u32,
    /// Whether the click has been answered: before that the token is not yet good.
    pub answered: bool,
}

/// All messages.
#[derive(Default)]
pub struct Messages {
    by_id: HashMap<String, Message>,
    by_person: HashMap<PersonId, Vec<String>>,
    by_uuid: HashMap<(String, String), (String, i64)>,
    clicks: HashMap<String, ClickToken>,
    version: u64,
}

impl Messages {
    /// Stores a message and returns it.
    pub fn add(&mut self, new: NewMessage, now_ms: i64) -> Message {
        self.version += 1;
        let message = Message {
            message_id: format!("om_{}", random::hex(32)),
            chat_id: chat_id(&new.app_id, new.person),
            app_id: new.app_id.clone(),
            person: new.person,
            msg_type: new.msg_type,
            content: new.content,
            card: new.card,
            created_ms: now_ms,
            updated_ms: now_ms,
            updated: false,
            version: self.version,
        };
        if let Some(uuid) = new.uuid {
            self.by_uuid.insert((new.app_id, uuid), (message.message_id.clone(), now_ms));
        }
        self.by_person.entry(new.person).or_default().push(message.message_id.clone());
        self.by_id.insert(message.message_id.clone(), message.clone());
        message
    }

    /// The message sent with this idempotency key less than `window_ms` ago.
    #[must_use]
    pub fn sent_with(&self, app_id: &str, uuid: &str, now_ms: i64, window_ms: i64) -> Option<&Message> {
        let (message_id, at_ms) = self.by_uuid.get(&(app_id.to_owned(), uuid.to_owned()))?;
        if now_ms - at_ms >= window_ms {
            return None;
        }
        self.by_id.get(message_id)
    }

    /// The message of this id.
    #[must_use]
    pub fn get(&self, message_id: &str) -> Option<&Message> {
        self.by_id.get(message_id)
    }

    /// Puts a new card in the place of the old one and returns the new version, if the message is there.
    pub fn replace(&mut self, message_id: &str, card: Value, content: String, now_ms: i64) -> Option<u64> {
        let message = self.by_id.get_mut(message_id)?;
        self.version += 1;
        message.card = card;
        message.content = content;
        message.updated = true;
        message.updated_ms = now_ms;
        message.version = self.version;
        Some(self.version)
    }

    /// A person's messages changed after version `after`, oldest first.
    #[must_use]
    pub fn of(&self, person: PersonId, after: u64) -> Vec<&Message> {
        let ids = self.by_person.get(&person).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.by_id.get(id)).filter(|message| message.version > after).collect()
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody has sent anything yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Gives the token of one click on `message_id`: `c-` and 40 hex digits.
    pub fn click(&mut self, message_id: &str, app_id: &str, now_ms: i64) -> String {
        let token = format!("c-{}", random::hex(40));
        let click = ClickToken {
            message_id: message_id.to_owned(),
            app_id: app_id.to_owned(),
            issued_ms: now_ms,
            uses: 0,
            answered: false,
        };
        self.clicks.insert(token.clone(), click);
        token
    }

    /// The click of this token, to be changed.
    pub fn click_mut(&mut self, token: &str) -> Option<&mut ClickToken> {
        self.clicks.get_mut(token)
    }
}

/// The id of the chat of one bot and one person, the same in every run.
#[must_use]
pub fn chat_id(app_id: &str, person: PersonId) -> String {
    format!("oc_{}", random::fixed_hex(&format!("chat {app_id} {person:?}")))
}
