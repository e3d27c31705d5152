//! What a card says of who asks, for what and until when, where it is not known whether it is shown as markup or as plain text:
//! every text that others wrote is harmless in both ([`widened`]).

use time::macros::format_description;

use super::card_text::{one_line, widened};
use crate::domain::clock::Timestamp;
use crate::domain::scopes::ScopeSet;
use crate::domain::wording::{Bilingual, cards as words, scope_words_or_name};

/// The zone that times are said in.
const ZONE: &str = "UTC+8";

/// How many names are shown, and how much of each, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// So many names.
    pub names: usize,
    /// So much of each.
    pub chars: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { names: 5, chars: 60 }
    }
}

/// Until when the question stands, in minutes, and in a zone that is named.
#[must_use]
pub fn until(at: Timestamp) -> Bilingual {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let shown = time::OffsetDateTime::from_unix_timestamp(at.as_secs())
        .ok()
        .zip(time::UtcOffset::from_hms(8, 0, 0).ok())
        .and_then(|(at, zone)| at.to_offset(zone).format(&format).ok());
    shown.map_or_else(|| words::until(&at.to_rfc3339(), "UTC"), |shown| words::until(&shown, ZONE))
}

/// One line of what somebody else wrote.
#[must_use]
pub fn safe(text: &str, max: usize) -> String {
    widened(&one_line(text, max))
}

/// The services that ask, by name.
#[must_use]
pub fn names(requesters: &[String], room: Room) -> String {
    let shown: Vec<String> = requesters.iter().take(room.names).map(|name| safe(name, room.chars)).collect();
    let more = if requesters.len() > room.names { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Scopes in words, one a line; at most `shown` of them.
#[must_use]
pub fn permissions(scopes: &ScopeSet, shown: usize) -> Bilingual {
    let mut lines: Vec<Bilingual> = scopes.iter().take(shown).map(scope_words_or_name).collect();
    if scopes.len() > shown {
        lines.push(words::and_more(scopes.len() - shown));
    }
    let zh: Vec<String> = lines.iter().map(|line| widened(&line.zh)).collect();
    let en: Vec<String> = lines.iter().map(|line| widened(&line.en)).collect();
    Bilingual::made(zh.join("\n"), en.join("\n"))
}
