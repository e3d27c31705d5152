//! One text in two languages, and the choice between them.

use std::borrow::Cow;

/// One text in Chinese and English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bilingual {
    /// Simplified Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

/// A language that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Bilingual {
    /// A fixed text.
    #[must_use]
    pub const fn fixed(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }

    /// A text made at run time.
    #[must_use]
    pub const fn made(zh: String, en: String) -> Self {
        Self { zh: Cow::Owned(zh), en: Cow::Owned(en) }
    }

    /// A text that reads the same in both languages, such as a name.
    #[must_use]
    pub fn both(text: &str) -> Self {
        Self::made(text.to_owned(), text.to_owned())
    }

    /// The text in one language.
    #[must_use]
    pub fn pick(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// The same change made to both languages, e.g. escaping.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self::made(change(&self.zh), change(&self.en))
    }

    /// This text, `between`, and another one.
    #[must_use]
    pub fn followed_by(&self, between: &str, next: &Self) -> Self {
        Self::made(format!("{}{between}{}", self.zh, next.zh), format!("{}{between}{}", self.en, next.en))
    }

    /// Names or phrases in a row: `甲、乙` and `a, b`.
    #[must_use]
    pub fn list(items: &[Self]) -> Self {
        let zh: Vec<&str> = items.iter().map(|item| item.zh.as_ref()).collect();
        let en: Vec<&str> = items.iter().map(|item| item.en.as_ref()).collect();
        Self::made(zh.join("、"), en.join(", "))
    }
}

impl Language {
    /// The tag for `lang=` and `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// What a browser's `Accept-Language` prefers; English if it names neither. Entries with a lower weight lose, equal
    /// ones keep their order; anything unreadable is passed over.
    #[must_use]
    pub fn preferred(accept_language: &str) -> Self {
        let mut best: Option<(u32, Self)> = None;
        for entry in accept_language.split(',').take(32) {
            let Some((weight, language)) = Self::weighed(entry) else { continue };
            if weight > 0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, language));
            }
        }
        best.map_or(Self::En, |(_, language)| language)
    }

    /// One entry: its weight in thousandths, and the language if it is one of ours.
    fn weighed(entry: &str) -> Option<(u32, Self)> {
        let mut parts = entry.split(';').map(str::trim);
        let tag = parts.next()?.to_ascii_lowercase();
        let language = match tag.split('-').next()? {
            "zh" => Self::Zh,
            "en" => Self::En,
            _ => return None,
        };
        let weight = match parts.find_map(|part| part.strip_prefix("q=")) {
            None => 1000,
            Some(text) => thousandths(text)?,
        };
        Some((weight, language))
    }
}

/// A weight such as `0.8` in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    let value = whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_the_language() {
        for (header, expected) in [
            ("", Language::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Language::En),
            ("en;q=0.3, zh;q=0.7", Language::Zh),
            ("de, fr;q=0.9", Language::En),
            ("de, zh-TW;q=0.1", Language::Zh),
            ("zh;q=0, en;q=0.1", Language::En),
            ("zh;q=banana, en;q=0.1", Language::En),
            ("zh;q=99999999999", Language::En),
            ("*", Language::En),
        ] {
            assert_eq!(Language::preferred(header), expected, "{header:?}");
        }
    }

    #[test]
    fn lists_read_naturally() {
        let list = Bilingual::list(&[Bilingual::both("a"), Bilingual::fixed("乙", "b")]);
        assert_eq!((list.pick(Language::Zh), list.pick(Language::En)), ("a、乙", "a, b"));
    }
}
