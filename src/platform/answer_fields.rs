//! The fields of a platform's answer, checked before any of it is kept, shown or put into a header. Knows no platform: which
//! field holds what is handed in.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::domain::secret::Secret;

/// The longest token accepted, in bytes; the platforms plan for 4 KB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The longest life accepted for any token.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 366);

/// The longest name kept, in characters.
const MAX_NAME_CHARS: usize = 128;

/// The longest mobile number or e-mail address kept, in bytes.
const MAX_CONTACT_BYTES: usize = 320;

/// A text that is there and not empty.
#[must_use]
pub fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text that may stand in a header: printable ASCII without blanks, and not too long.
#[must_use]
pub fn token(value: Option<&Value>) -> Option<Secret> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let fits = (1..=MAX_TOKEN_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(text.to_owned()))
}

/// Whole seconds, as a number or as text, more than none and at most [`LONGEST_LIFE`].
#[must_use]
pub fn life(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        _ => return None,
    };
    let life = Duration::from_secs(seconds);
    (seconds > 0 && life <= LONGEST_LIFE).then_some(life)
}

/// A person's name, fit to be shown; nothing if nothing is left of it.
#[must_use]
pub fn name(object: &Map<String, Value>, key: &str) -> Option<String> {
    let shown: String =
        text(object, key)?.trim().chars().filter(|letter| !letter.is_control()).take(MAX_NAME_CHARS).collect();
    (!shown.is_empty()).then_some(shown)
}

/// A mobile number or an e-mail address.
#[must_use]
pub fn contact(object: &Map<String, Value>, key: &str) -> Option<Secret> {
    text(object, key).filter(|text| text.len() <= MAX_CONTACT_BYTES).map(|text| Secret::new(text.to_owned()))
}
