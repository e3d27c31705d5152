//! What the platform has handed out: login codes, phone-number codes, session keys, app tokens.
//!
//! A code can be used once and lives for five minutes. Of one person at one app there is one session key; a login replaces it, and what
//! was encrypted with the one before cannot be opened with the new one.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::app_token::AppTokens;
use crate::random;
use crate::world::people::PersonId;

/// How long a code lives.
pub const CODE_LIFE_S: i64 = 300;

/// What a code is good for. A code of one kind is unknown where the other is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Logging in.
    Login,
    /// The person's phone number.
    PhoneNumber,
}

/// What a code stands for.
#[derive(Clone, Debug)]
struct Code {
    kind: Kind,
    app_id: String,
    person: PersonId,
    expires_ms: i64,
    used: bool,
}

/// Why a code is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCode {
    /// Nobody knows it, it is another app's or for something else, or it has expired.
    Unknown,
    /// It was used.
    Used,
}

/// Everything behind the lock.
#[derive(Default)]
pub struct State {
    codes: HashMap<String, Code>,
    keys: HashMap<(String, PersonId), String>,
    /// The apps' tokens.
    pub tokens: AppTokens,
    issued: Vec<String>,
}

impl State {
    /// Every code and session key that was ever issued, and every token.
    pub fn issued(&self) -> impl Iterator<Item = &str> {
        self.issued.iter().map(String::as_str).chain(self.tokens.issued())
    }

    /// Issues a code.
    pub fn issue_code(&mut self, kind: Kind, app_id: &str, person: PersonId, now_ms: i64) -> String {
        let text = format!("0{}", random::url_safe(31));
        let expires_ms = now_ms + CODE_LIFE_S * 1000;
        self.codes.insert(text.clone(), Code { kind, app_id: app_id.to_owned(), person, expires_ms, used: false });
        self.issued.push(text.clone());
        text
    }

    /// Whose code it is, without using it.
    #[must_use]
    pub fn person_of(&self, code: &str) -> Option<PersonId> {
        self.codes.get(code).map(|code| code.person)
    }

    /// Looks at a code, without using it.
    pub fn look(&self, kind: Kind, text: &str, app_id: &str, now_ms: i64) -> Result<PersonId, BadCode> {
        let code = self.codes.get(text).filter(|code| code.kind == kind && code.app_id == app_id);
        match code {
            Some(code) if code.used => Err(BadCode::Used),
            Some(code) if code.expires_ms > now_ms => Ok(code.person),
            _ => Err(BadCode::Unknown),
        }
    }

    /// Uses a code.
    pub fn spend(&mut self, text: &str) {
        if let Some(code) = self.codes.get_mut(text) {
            code.used = true;
        }
    }

    /// The person's session key, as the platform writes it: 16 bytes in base64.
    #[must_use]
    pub fn session_key(&self, app_id: &str, person: PersonId) -> Option<&str> {
        self.keys.get(&(app_id.to_owned(), person)).map(String::as_str)
    }

    /// Gives the person a new session key.
    pub fn renew_session(&mut self, app_id: &str, person: PersonId) -> String {
        let key = STANDARD.encode(random::key());
        self.keys.insert((app_id.to_owned(), person), key.clone());
        self.issued.push(key.clone());
        key
    }
}
