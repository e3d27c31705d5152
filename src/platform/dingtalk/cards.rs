//! What the card template is given to show: its variables, each a text of at most 1 KB.
//!
//! | variable | what it holds |
//! |---|---|
//! | `title`, `status` | the heading, and in a word where the question stands |
//! | `theme` | a colour's name, another one for each face |
//! | `body` | Markdown: who asks, what for, which permissions; afterwards what became of it |
//! | `note` | a small line: until when; or a message to who tapped |
//! | `buttons` | a JSON list, empty when there is nothing to tap: `id`, `text`, `text_en`, `color`, and either `url` or `params` |
//!
//! What is read comes in Chinese, and with `_en` behind its variable's name in English. What others wrote is shown as text and
//! never as markup. All variables are given each time: a face leaves nothing of the one before.

use serde_json::{Map, Value, json};

use super::config::CardOptions;
use crate::domain::card::{AskCard, Card, EndCard, Toast};
use crate::domain::wording::{Bilingual, cards as words, toasts};
use crate::platform::card_text::link;
use crate::platform::card_words::{Room, names, permissions, safe, until};

/// Values of a template's variables; each is a text.
pub type Variables = Map<String, Value>;

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1024;

/// How much of what others wrote is shown: the first that fits.
const BOUNDS: [Bounds; 5] = [
    Bounds { listed: 60, text: 400, room: Room { names: 5, chars: 60 } },
    Bounds { listed: 12, text: 200, room: Room { names: 5, chars: 30 } },
    Bounds { listed: 6, text: 80, room: Room { names: 3, chars: 24 } },
    Bounds { listed: 2, text: 40, room: Room { names: 2, chars: 24 } },
    Bounds { listed: 0, text: 20, room: Room { names: 1, chars: 24 } },
];

#[derive(Clone, Copy)]
struct Bounds {
    /// Permissions that are listed.
    listed: usize,
    /// Characters of a text.
    text: usize,
    /// Who asks.
    room: Room,
}

/// The variables of a face.
#[must_use]
pub fn card(options: &CardOptions, face: &Card) -> Variables {
    let mut drawn = Variables::new();
    for bounds in BOUNDS {
        drawn = draw(options, face, bounds);
        if drawn.values().all(|value| value.as_str().is_some_and(|text| text.len() <= MAX_VALUE_BYTES)) {
            break;
        }
    }
    drawn
}

/// What a toast changes, for the eyes of who tapped only.
#[must_use]
pub fn toast(toast: Toast) -> Variables {
    let mut variables = Variables::new();
    put(&mut variables, "note", &toasts::words(toast));
    variables
}

/// The face in a word, for the list of chats.
#[must_use]
pub(super) fn headline(face: &Card) -> Bilingual {
    look(face).1
}

fn draw(options: &CardOptions, card: &Card, bounds: Bounds) -> Variables {
    let (theme, title, status) = look(card);
    let (note, buttons) = match card {
        Card::Ask(ask) => (until(ask.expires_at).followed_by(" ", &words::FOR_YOU_ONLY), buttons(ask)),
        _ => (Bilingual::both(""), json!([])),
    };
    let mut variables = Variables::new();
    put(&mut variables, "title", &title);
    put(&mut variables, "status", &status);
    put(&mut variables, "body", &paragraphs(&body(options, card, bounds)));
    put(&mut variables, "note", &note);
    variables.insert("theme".to_owned(), theme.into());
    variables.insert("buttons".to_owned(), buttons.to_string().into());
    variables
}

fn put(variables: &mut Variables, name: &str, text: &Bilingual) {
    variables.insert(name.to_owned(), (*text.zh).into());
    variables.insert(format!("{name}_en"), (*text.en).into());
}

/// Colour, heading and status of a face.
fn look(face: &Card) -> (&'static str, Bilingual, Bilingual) {
    match face {
        Card::Ask(ask) if ask.again => ("turquoise", words::ASK_AGAIN_TITLE, words::WAITING_STATUS),
        Card::Ask(_) => ("blue", words::ASK_TITLE, words::WAITING_STATUS),
        Card::Granted(_) => ("green", words::GRANTED_TITLE, words::GRANTED_STATUS),
        Card::Rejected(_) => ("red", words::REJECTED_TITLE, words::REJECTED_STATUS),
        Card::Expired(_) => ("grey", words::EXPIRED_TITLE, words::EXPIRED_STATUS),
        Card::Mismatched(_) => ("orange", words::MISMATCHED_TITLE, words::MISMATCHED_STATUS),
        Card::Failed(_) => ("carmine", words::FAILED_TITLE, words::FAILED_STATUS),
        Card::Cancelled(_) => ("wathet", words::CANCELLED_TITLE, words::CANCELLED_STATUS),
    }
}

fn body(options: &CardOptions, card: &Card, bounds: Bounds) -> Vec<Bilingual> {
    let said = |sentence: fn(&Bilingual) -> Bilingual, end: &EndCard| vec![sentence(&who(&end.requesters, bounds))];
    match card {
        Card::Ask(ask) => asking(options, ask, bounds),
        Card::Granted(end) => {
            said(words::granted, end).into_iter().chain(what_was_granted(end, bounds.listed)).collect()
        }
        Card::Rejected(end) => said(words::rejected, end),
        Card::Expired(end) => said(words::expired, end),
        Card::Mismatched(end) => said(words::mismatched, end),
        Card::Failed(end) => said(words::failed, end),
        Card::Cancelled(end) => said(words::cancelled, end),
    }
}

fn asking(options: &CardOptions, ask: &AskCard, bounds: Bounds) -> Vec<Bilingual> {
    let mut body = vec![words::asks(&who(&ask.requesters, bounds))];
    if ask.again {
        body.push(words::AGAIN);
    }
    let text = |text: &str| Bilingual::both(&safe(text, bounds.text));
    body.extend(options.custom_message.as_deref().map(text));
    let reason = ask.reason.as_deref().filter(|reason| !reason.trim().is_empty());
    body.extend(reason.map(|reason| under(&words::REASON, &text(reason))));
    if options.include_description && bounds.listed > 0 {
        body.push(under(&words::PERMISSIONS, &listed(&permissions(&ask.scopes, bounds.listed))));
    } else {
        body.push(words::permission_count(ask.scopes.len()));
    }
    body.extend(options.privacy_url.as_ref().map(|url| words::PRIVACY.map(|words| link(words, url))));
    body
}

fn what_was_granted(end: &EndCard, listed_most: usize) -> Vec<Bilingual> {
    let granted = end.missing.missing(&end.scopes);
    [(words::GRANTED_PERMISSIONS, granted), (words::MISSING_PERMISSIONS, end.missing.clone())]
        .iter()
        .filter(|(_, scopes)| !scopes.is_empty())
        .map(|(heading, scopes)| under(heading, &listed(&permissions(scopes, listed_most))))
        .collect()
}

fn who(requesters: &[String], bounds: Bounds) -> Bilingual {
    Bilingual::both(&names(requesters, bounds.room)).map(|names| format!("**{names}**"))
}

fn listed(lines: &Bilingual) -> Bilingual {
    lines.map(|lines| lines.lines().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n"))
}

fn under(heading: &Bilingual, text: &Bilingual) -> Bilingual {
    heading.map(|words| format!("**{words}**")).followed_by("\n", text)
}

fn paragraphs(texts: &[Bilingual]) -> Bilingual {
    let (zh, en): (Vec<&str>, Vec<&str>) = texts.iter().map(|text| (&*text.zh, &*text.en)).unzip();
    Bilingual::made(zh.join("\n\n"), en.join("\n\n"))
}

/// The first only opens the page that goes on; the platform does not tell of it. The second comes back to us.
fn buttons(ask: &AskCard) -> Value {
    json!([
        {
            "id": "authorize",
            "text": words::AUTHORIZE.zh,
            "text_en": words::AUTHORIZE.en,
            "color": "blue",
            "url": ask.link.expose(),
        },
        {
            "id": "reject",
            "text": words::REJECT.zh,
            "text_en": words::REJECT.en,
            "color": "gray",
            "params": {"auth_session": ask.auth_session.as_str(), "act": "reject"},
        },
    ])
}

#[cfg(test)]
mod tests;
