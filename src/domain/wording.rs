//! Every word that a person reads on a card, in a toast or on one of our pages, in Chinese and in English, from one
//! place. Fixed texts are constants; texts with something in them are functions of what goes in.
//!
//! Knows no markup: whoever shows a text escapes what it puts in. Knows no platform: scopes are looked up by name.

mod bilingual;
pub mod cards;
pub mod pages;
mod scope_words;
pub mod toasts;

pub use bilingual::{Bilingual, Language};
pub use scope_words::{scope_words, scope_words_or_name};

/// Declares fixed texts, and for the completeness test a list of them all.
macro_rules! texts {
    ($($name:ident = $zh:literal, $en:literal;)*) => {
        $(
            #[doc = $en]
            pub const $name: $crate::domain::wording::Bilingual = $crate::domain::wording::Bilingual::fixed($zh, $en);
        )*
        #[cfg(test)]
        pub(super) const ALL: &[(&str, $crate::domain::wording::Bilingual)] = &[$((stringify!($name), $name)),*];
    };
}
use texts;

#[cfg(test)]
mod tests {
    use super::*;

    /// A text is complete when both languages say something, the Chinese one in Chinese, the English one in ASCII
    /// letters.
    fn assert_complete(name: &str, text: &Bilingual) {
        let (zh, en) = (text.pick(Language::Zh), text.pick(Language::En));
        assert!(zh.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{name}: {zh}");
        assert!(en.chars().any(|letter| letter.is_ascii_alphabetic()), "{name}: {en}");
        assert!(!en.chars().any(|letter| ('\u{3000}'..='\u{9fff}').contains(&letter)), "{name}: {en}");
        assert_eq!((zh, en), (zh.trim(), en.trim()), "{name}");
    }

    #[test]
    fn every_fixed_text_has_both_languages() {
        for (name, text) in cards::ALL.iter().chain(toasts::ALL).chain(pages::ALL) {
            assert_complete(name, text);
        }
    }

    #[test]
    fn every_text_with_something_in_it_has_both_languages() {
        let who = Bilingual::both("reports");
        for (name, text) in [
            ("asks", cards::asks(&who)),
            ("permission_count", cards::permission_count(7)),
            ("until", cards::until("2026-11-21 16:00", "UTC+8")),
            ("compare_code", cards::compare_code("ABCD-1234")),
            ("and_more", cards::and_more(3)),
            ("granted", cards::granted(&who)),
            ("rejected", cards::rejected(&who)),
            ("expired", cards::expired(&who)),
            ("mismatched", cards::mismatched(&who)),
            ("failed", cards::failed(&who)),
            ("cancelled", cards::cancelled(&who)),
            ("landing", pages::landing_asks(&who)),
            ("missing", pages::missing_permissions(2)),
        ] {
            assert_complete(name, &text);
        }
    }

    #[test]
    fn every_scope_that_is_listed_has_both_languages() {
        let all = scope_words::all();
        assert!(all.len() >= 60, "{} scopes", all.len());
        for (name, words) in all {
            assert_complete(name, words);
        }
    }
}
