//! What a scope lets its holder do, in words. The list is `scopes.toml`, built into the program; a scope that is not in
//! it is shown by its name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::wording::Bilingual;

/// One entry of the file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    zh: String,
    en: String,
}

static WORDS: LazyLock<BTreeMap<String, Bilingual>> = LazyLock::new(|| read().unwrap_or_default());

fn read() -> Result<BTreeMap<String, Bilingual>, toml::de::Error> {
    let entries: BTreeMap<String, Entry> = toml::from_str(include_str!("scopes.toml"))?;
    Ok(entries.into_iter().map(|(name, words)| (name, Bilingual::made(words.zh, words.en))).collect())
}

/// The words for a scope, if we have any.
#[must_use]
pub fn scope_words(name: &str) -> Option<Bilingual> {
    WORDS.get(name).cloned()
}

/// The words for a scope, or else its name.
#[must_use]
pub fn scope_words_or_name(name: &str) -> Bilingual {
    scope_words(name).unwrap_or_else(|| Bilingual::both(name))
}

#[cfg(test)]
pub(super) fn all() -> &'static BTreeMap<String, Bilingual> {
    &WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read() {
        assert!(read().is_ok(), "{:?}", read().err());
    }

    #[test]
    fn a_scope_without_words_is_shown_by_its_name() {
        assert!(scope_words("x:unknown").is_none());
        assert_eq!(scope_words_or_name("x:unknown"), Bilingual::both("x:unknown"));
        assert_ne!(scope_words_or_name("offline_access"), Bilingual::both("offline_access"));
    }
}
