//! What the platform is given to show: cards in JSON 2.0 (or a template of the operator's) and toasts.
//!
//! A card never exceeds the platform's 30 KB, as it travels: as text inside a JSON body. Lists are cut until it fits;
//! all other text is bounded. Elements stay far below 150 because a list is one element.

use serde_json::{Value, json};

use super::ask_card::ask_card;
use super::config::CardOptions;
use super::end_card::end_card;
use super::template_card::template_card;
use crate::domain::card::{Card, Toast};
use crate::domain::wording::toasts;

/// The longest card, in bytes as it travels.
pub const MAX_CARD_BYTES: usize = 30_000;

/// How many permissions are listed, the first that fits.
const LISTED: [usize; 6] = [60, 30, 15, 8, 3, 0];

/// The card as a message's content: a JSON 2.0 card, or `{"type": "template", …}`.
#[must_use]
pub fn card(options: &CardOptions, face: &Card) -> Value {
    fitting(options, face).0
}

/// The card as text, ready to be put into a message.
pub(super) fn card_content(options: &CardOptions, face: &Card) -> String {
    fitting(options, face).1
}

/// A toast as the answer to a tap carries it.
#[must_use]
pub fn toast(toast: Toast) -> Value {
    let words = toasts::words(toast);
    json!({"type": kind(toast), "content": words.zh, "i18n": {"zh_cn": words.zh, "en_us": words.en}})
}

const fn kind(toast: Toast) -> &'static str {
    match toast {
        Toast::Continue | Toast::Rejected | Toast::AlreadyOver => "info",
        Toast::CodeTaken | Toast::AlreadyGranted => "success",
        Toast::CodeUnusable | Toast::UnknownCard => "error",
        Toast::NotForYou => "warning",
    }
}

fn fitting(options: &CardOptions, face: &Card) -> (Value, String) {
    let mut drawn = (Value::Null, String::new());
    for shown in LISTED {
        let value = draw(options, face, shown);
        let content = value.to_string();
        let fits = travelling_bytes(&content) <= MAX_CARD_BYTES;
        drawn = (value, content);
        if fits {
            break;
        }
    }
    drawn
}

fn draw(options: &CardOptions, face: &Card, shown: usize) -> Value {
    match (face, &options.template_id) {
        (Card::Ask(ask), Some(template_id)) => template_card(template_id, options, ask, shown),
        (Card::Ask(ask), None) => ask_card(options, ask, shown),
        (ended, _) => end_card(ended, shown).unwrap_or_default(),
    }
}

/// The text's size inside a JSON body, where quotes, backslashes and line ends are two bytes.
fn travelling_bytes(content: &str) -> usize {
    content.len() + content.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count()
}

#[cfg(test)]
mod tests;
