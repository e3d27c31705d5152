//! The elements that cards are made of, in JSON 2.0. The platform refuses fields that it does not know, so nothing here
//! goes beyond its documents.

use serde_json::{Value, json};

use crate::domain::ids::AuthSessionId;
use crate::domain::scopes::ScopeSet;
use crate::domain::wording::{Bilingual, cards as words, scope_words};
use crate::platform::card_text::{escaped, one_line};

/// The longest name of a caller shown, in characters.
const MAX_NAME_CHARS: usize = 60;

/// How many callers are named.
const MAX_NAMES: usize = 5;

/// The colour of the bar with the title.
#[derive(Debug, Clone, Copy)]
pub(super) enum Colour {
    Blue,
    Turquoise,
    Green,
    Red,
    Grey,
    Orange,
    Carmine,
    Wathet,
}

impl Colour {
    const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Turquoise => "turquoise",
            Self::Green => "green",
            Self::Red => "red",
            Self::Grey => "grey",
            Self::Orange => "orange",
            Self::Carmine => "carmine",
            Self::Wathet => "wathet",
        }
    }
}

/// A whole card.
pub(super) fn card(colour: Colour, title: &Bilingual, elements: &[Value]) -> Value {
    json!({
        "schema": "2.0",
        "config": {"update_multi": true, "locales": ["zh_cn", "en_us"]},
        "header": {"template": colour.name(), "title": plain(title)},
        "body": {"elements": elements},
    })
}

/// Both languages beside the one for clients that do not choose.
fn in_both(tag: &str, text: &Bilingual) -> Value {
    json!({"tag": tag, "content": text.zh, "i18n_content": {"zh_cn": text.zh, "en_us": text.en}})
}

/// A text without markup.
pub(super) fn plain(text: &Bilingual) -> Value {
    in_both("plain_text", text)
}

/// A text with markup.
pub(super) fn markdown(text: &Bilingual) -> Value {
    in_both("markdown", text)
}

/// A text with markup, in small letters.
pub(super) fn small(text: &Bilingual) -> Value {
    let mut element = markdown(text);
    element["text_size"] = "notation".into();
    element
}

/// A heading in bold over a text.
pub(super) fn under(heading: &Bilingual, text: &Bilingual) -> Bilingual {
    heading.map(|words| format!("**{words}**")).followed_by("\n", text)
}

/// Elements side by side; on a narrow screen they wrap.
pub(super) fn row<const N: usize>(elements: [Value; N]) -> Value {
    let columns = elements.map(|element| json!({"tag": "column", "width": "auto", "elements": [element]}));
    json!({"tag": "column_set", "flex_mode": "flow", "columns": columns.as_slice()})
}

/// What a button gives back when it is tapped.
pub(super) fn callback(auth_session: &AuthSessionId, act: &str) -> Value {
    json!({"type": "callback", "value": {"auth_session": auth_session.as_str(), "act": act}})
}

/// The callers by name, in bold, with no markup in the names.
pub(super) fn names(requesters: &[String]) -> Bilingual {
    let shown = requesters.iter().take(MAX_NAMES).map(|name| one_line(name, MAX_NAME_CHARS));
    let mut items: Vec<Bilingual> = shown.map(|name| Bilingual::both(&format!("**{}**", escaped(&name)))).collect();
    if requesters.len() > MAX_NAMES {
        items.push(words::and_more(requesters.len() - MAX_NAMES));
    }
    Bilingual::list(&items)
}

/// Scopes in words, one a line, each with its own name small beside it; at most `shown` of them.
pub(super) fn permissions(scopes: &ScopeSet, shown: usize) -> Bilingual {
    let mut lines: Vec<Bilingual> = scopes.iter().take(shown).map(permission).collect();
    if scopes.len() > shown {
        lines.push(words::and_more(scopes.len() - shown));
    }
    let bulleted: Vec<Bilingual> = lines.iter().map(|line| line.map(|words| format!("- {words}"))).collect();
    let zh: Vec<&str> = bulleted.iter().map(|line| line.zh.as_ref()).collect();
    let en: Vec<&str> = bulleted.iter().map(|line| line.en.as_ref()).collect();
    Bilingual::made(zh.join("\n"), en.join("\n"))
}

fn permission(name: &str) -> Bilingual {
    let safe_name = escaped(name);
    match scope_words(name) {
        None => Bilingual::both(&safe_name),
        Some(words) => words.map(|words| format!("{words} <font color='grey'>{safe_name}</font>")),
    }
}
