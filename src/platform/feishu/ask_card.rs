//! The face that asks.

use serde_json::{Value, json};

use super::card_parts::{Colour, callback, card, markdown, names, permissions, plain, row, small, under};
use super::config::CardOptions;
use crate::domain::card::{AskCard, CodeWay};
use crate::domain::wording::{Bilingual, cards as words};
use crate::platform::card_text::{escaped, link, one_line};
use crate::platform::card_words::until;

/// The longest purpose and operator's message shown, in characters.
const MAX_TEXT_CHARS: usize = 400;

/// The longest purpose where it has to be said in one line.
const MAX_SHORT_CHARS: usize = 80;

/// The longest address that is repeated for each kind of client; a longer one is given once.
const MAX_REPEATED_LINK_BYTES: usize = 2048;

/// The longest code the platform's input takes, in characters.
const MAX_INPUT_CHARS: u32 = 1000;

/// Draws the face with at most `shown` permissions listed.
pub(super) fn ask_card(options: &CardOptions, ask: &AskCard, shown: usize) -> Value {
    let (colour, title) =
        if ask.again { (Colour::Turquoise, words::ASK_AGAIN_TITLE) } else { (Colour::Blue, words::ASK_TITLE) };
    let mut elements = vec![markdown(&words::asks(&names(&ask.requesters)))];
    if ask.again {
        elements.push(markdown(&words::AGAIN.map(|words| format!("<font color='orange'>{words}</font>"))));
    }
    elements.extend(purpose(options, ask, shown));
    elements.push(small(&small_print(options, ask)));
    elements.extend(way(ask));
    card(colour, &title, &elements)
}

/// What it is for and what is asked for: at length, or in one line.
fn purpose(options: &CardOptions, ask: &AskCard, shown: usize) -> Vec<Value> {
    let mut elements: Vec<Value> =
        options.custom_message.iter().map(|text| markdown(&safe(text, MAX_TEXT_CHARS))).collect();
    let reason = ask.reason.as_deref().filter(|reason| !reason.trim().is_empty());
    if options.include_description {
        elements.extend(reason.map(|text| markdown(&under(&words::REASON, &safe(text, MAX_TEXT_CHARS)))));
        elements.push(markdown(&under(&words::PERMISSIONS, &permissions(&ask.scopes, shown))));
    } else {
        elements.extend(reason.map(|text| markdown(&safe(text, MAX_SHORT_CHARS))));
        elements.push(small(&words::permission_count(ask.scopes.len())));
    }
    elements
}

fn safe(text: &str, max: usize) -> Bilingual {
    Bilingual::both(&escaped(&one_line(text, max)))
}

fn small_print(options: &CardOptions, ask: &AskCard) -> Bilingual {
    let print = until(ask.expires_at).followed_by("\n", &words::FOR_YOU_ONLY);
    match &options.privacy_url {
        None => print,
        Some(url) => print.followed_by("\n", &words::PRIVACY.map(|words| link(words, url))),
    }
}

/// The Authorize and Reject buttons, with what the way back needs beside them.
fn way(ask: &AskCard) -> Vec<Value> {
    let (authorize, reject) = (authorize_button(ask), reject_button(ask));
    match &ask.code_way {
        CodeWay::Redirect => vec![row([authorize, reject])],
        CodeWay::Device { user_code } => {
            let code = format!("**{}**", escaped(&one_line(user_code, 64)));
            vec![markdown(&words::compare_code(&code)), row([authorize, reject])]
        }
        CodeWay::Paste => vec![authorize, small(&words::PASTE_HINT), paste_form(ask), reject],
    }
}

fn authorize_button(ask: &AskCard) -> Value {
    let address = ask.link.expose();
    let mut open = json!({"type": "open_url", "default_url": address});
    if address.len() <= MAX_REPEATED_LINK_BYTES {
        for client in ["pc_url", "ios_url", "android_url"] {
            open[client] = address.into();
        }
    }
    json!({
        "tag": "button",
        "name": "authorize",
        "type": "primary_filled",
        "text": plain(&words::AUTHORIZE),
        "behaviors": [open, callback(&ask.auth_session, "authorize")],
    })
}

fn reject_button(ask: &AskCard) -> Value {
    json!({
        "tag": "button",
        "name": "reject",
        "type": "default",
        "text": plain(&words::REJECT),
        "behaviors": [callback(&ask.auth_session, "reject")],
    })
}

fn paste_form(ask: &AskCard) -> Value {
    json!({
        "tag": "form",
        "name": "code_form",
        "elements": [
            {
                "tag": "input",
                "name": "authorization_code",
                "required": true,
                "max_length": MAX_INPUT_CHARS,
                "label": plain(&words::PASTE_LABEL),
                "placeholder": plain(&words::PASTE_PLACEHOLDER),
            },
            {
                "tag": "button",
                "name": "submit_code",
                "type": "primary",
                "form_action_type": "submit",
                "text": plain(&words::SUBMIT_CODE),
                "behaviors": [callback(&ask.auth_session, "code")],
            },
        ],
    })
}
