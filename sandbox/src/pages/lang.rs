//! The two languages of the pages, and how a request chooses one.

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language of a tag such as `zh`, `zh-CN`, `zh_cn` or `en-US`, if it is one of the two.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The language for a request: the choice made with the switch (cookie `sandbox_lang`), else the best of
    /// `Accept-Language` (it is the reader who has to understand), else the locale of the person played, else English.
    #[must_use]
    pub fn choose(cookie: Option<&str>, locale: Option<&str>, accept_language: Option<&str>) -> Self {
        cookie
            .and_then(Self::of_tag)
            .or_else(|| accept_language.and_then(Self::accepted))
            .or_else(|| locale.and_then(Self::of_tag))
            .unwrap_or(Self::En)
    }

    /// The first of the two languages by weight, earlier entries first among equals.
    fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for entry in header.split(',') {
            let mut parts = entry.split(';');
            let Some(lang) = parts.next().and_then(Self::of_tag) else {
                continue;
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if weight > best.map_or(0.0, |(_, found)| found) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }

    /// The value of the `lang` attribute.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// One of two texts, for places that cannot hold both (the title).
    pub(super) const fn say(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}
