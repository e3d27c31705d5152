//! What a platform calls a refusal: a number at one, a word at another. Opaque to whoever passes it on: it is shown, stored
//! and compared as it is, and means something only in the folder of the platform that gave it.
//!
//! It came over the wire, so only ASCII letters, digits, `.`, `_` and `-` of it are kept, and at most [`MAX_BYTES`] of these:
//! it can stand in a log line or a column, and nobody's text hides in it. It is no metric label: there is no end of codes.

use std::fmt;

/// The longest code, in bytes; what is beyond is cut off.
pub const MAX_BYTES: usize = 64;

/// A platform's code. It is copied, not shared: there is room for it in itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlatformCode {
    length: u8,
    text: [u8; MAX_BYTES],
}

impl PlatformCode {
    /// No code came, or none of which anything is left; shown as `none`.
    pub const NONE: Self = Self { length: 0, text: [0; MAX_BYTES] };

    /// What may be kept of the text.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let kept = text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
        kept.take(MAX_BYTES).fold(Self::NONE, |mut code, byte| {
            code.text[usize::from(code.length)] = byte;
            code.length += 1;
            code
        })
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.text[..usize::from(self.length)]) {
            Ok(text) if !text.is_empty() => text,
            _ => "none",
        }
    }

    /// The code as a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }
}

impl From<i64> for PlatformCode {
    fn from(number: i64) -> Self {
        Self::clean(&number.to_string())
    }
}

impl fmt::Display for PlatformCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PlatformCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_stay_as_they_are() {
        for text in ["20073", "invalidParameter.authCode.notFound", "InvalidAuthentication", "a_b-c", "-1"] {
            assert_eq!(PlatformCode::clean(text).to_string(), text);
        }
        assert_eq!(PlatformCode::from(99_991_663), PlatformCode::clean("99991663"));
        assert_eq!((PlatformCode::from(-1).number(), PlatformCode::clean("a.1").number()), (Some(-1), None));
    }

    #[test]
    fn what_somebody_else_wrote_is_cut_and_cleaned() {
        for (text, kept) in [
            ("", "none"),
            (" \n\u{0}", "none"),
            ("code\r\nX-Injected: 1", "codeX-Injected1"),
            ("不合法的access_token", "access_token"),
            ("<b>{\"a\":1}</b>", "ba1b"),
        ] {
            assert_eq!(PlatformCode::clean(text).as_str(), kept, "{text:?}");
        }
        assert_eq!(PlatformCode::clean(&"x".repeat(MAX_BYTES)).as_str().len(), MAX_BYTES);
        assert_eq!(PlatformCode::clean(&"x".repeat(MAX_BYTES + 1)).as_str().len(), MAX_BYTES);
    }
}
