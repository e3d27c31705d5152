//! What we put into a card's buttons, and what comes back of it when one is tapped: the same on every platform, however it
//! wraps it. Whatever makes no sense chooses nothing. It can hold an authorization code and is never logged.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::auth_session::AuthSessionId;
use crate::domain::event::Choice;
use crate::domain::secret::Secret;

/// The longest authorization code taken from a card, in bytes.
pub const MAX_CODE_BYTES: usize = 4096;

/// A JSON string, borrowed unless it has escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The fields of a button's value, or of the form around it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Button<'a> {
    #[serde(borrow)]
    auth_session: Option<Text<'a>>,
    #[serde(borrow)]
    act: Option<Text<'a>>,
    #[serde(borrow)]
    authorization_code: Option<Text<'a>>,
}

impl<'a> Button<'a> {
    /// Reads a JSON object; anything else has no fields. (The parser alone would take a list for one as well.)
    #[must_use]
    pub fn read(raw: Option<&'a str>) -> Self {
        let object = raw.filter(|raw| raw.trim_start().starts_with('{'));
        object.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// Which auth session the card belongs to.
    #[must_use]
    pub fn auth_session(&self) -> Option<AuthSessionId> {
        self.auth_session.as_ref().and_then(|text| AuthSessionId::parse(&text.0).ok())
    }

    /// What was chosen; a code may stand in the form in place of the button.
    #[must_use]
    pub fn choice(&self, form: &Self) -> Choice {
        match self.act.as_ref().map(|act| &*act.0) {
            Some("authorize") => Choice::Authorize,
            Some("reject") => Choice::Reject,
            Some("code") => Choice::Code(form.code().or_else(|| self.code()).unwrap_or_else(no_code)),
            _ => Choice::Unknown,
        }
    }

    fn code(&self) -> Option<Secret> {
        let code = self.authorization_code.as_ref()?.0.trim();
        (1..=MAX_CODE_BYTES).contains(&code.len()).then(|| Secret::new(code.to_owned()))
    }
}

/// What stands for a code that is missing or too long: the use case refuses it as unusable.
fn no_code() -> Secret {
    Secret::new(String::new())
}
