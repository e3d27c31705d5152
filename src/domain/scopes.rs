//! Scopes: what a token may do, in the platform's own names.

use std::collections::BTreeSet;
use std::fmt;

/// The most scopes in one ask: what the platforms' authorize pages take.
pub const MAX_SCOPES: usize = 200;

/// The longest scope name accepted, in bytes.
pub const MAX_SCOPE_BYTES: usize = 128;

/// The scope that asks for a refresh token (OpenID Connect Core §11). Platforms add it; it lets nobody do anything by
/// itself.
pub const REFRESH_SCOPE: &str = "offline_access";

/// A text that is not a list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopes {
    /// One name is not a scope-token of RFC 6749 §3.3 or too long.
    #[error("a scope is 1 to {MAX_SCOPE_BYTES} printable ASCII characters without blanks, quotes and backslashes")]
    Name,
    /// Too many names.
    #[error("at most {MAX_SCOPES} scopes can be asked for at once")]
    TooMany,
}

/// A set of scope names, ordered, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// From single names.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScopes> {
        let mut set = BTreeSet::new();
        for name in names {
            if !is_scope_token(name) {
                return Err(InvalidScopes::Name);
            }
            set.insert(name.to_owned());
        }
        if set.len() > MAX_SCOPES { Err(InvalidScopes::TooMany) } else { Ok(Self(set)) }
    }

    /// From a list separated by blanks, as OAuth writes it (RFC 6749 §3.3). Names that are no scope-tokens are
    /// dropped: such a text comes from a platform, and an odd name in it grants nothing.
    #[must_use]
    pub fn from_list(list: &str) -> Self {
        Self(list.split_ascii_whitespace().filter(|name| is_scope_token(name)).map(str::to_owned).collect())
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether no scope is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the named scope is in the set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// What `other` holds and this set does not.
    #[must_use]
    pub fn missing(&self, other: &Self) -> Self {
        Self(other.0.difference(&self.0).cloned().collect())
    }

    /// The set without this name.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|held| *held != name).cloned().collect())
    }

    /// What both sets hold.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }
}

impl fmt::Display for ScopeSet {
    /// Separated by blanks, as OAuth writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

fn is_scope_token(name: &str) -> bool {
    (1..=MAX_SCOPE_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_and_read_as_oauth_does() {
        let set = ScopeSet::parse(["b:x", "a:y", "b:x"]).unwrap();
        assert_eq!(set.to_string(), "a:y b:x");
        assert_eq!(ScopeSet::from_list(" a:y  b:x \u{1}"), set);
    }

    #[test]
    fn tells_what_is_missing() {
        let held = ScopeSet::from_list("a b");
        let asked = ScopeSet::from_list("b c");
        assert!(!held.covers(&asked));
        assert_eq!(held.missing(&asked).to_string(), "c");
        assert_eq!(held.common(&asked).to_string(), "b");
        assert_eq!(held.union(&asked).to_string(), "a b c");
    }

    #[test]
    fn refuses_names_that_are_not_scope_tokens() {
        for bad in ["", "a b", "a\"", "a\\", "ä", "a\r\n"] {
            assert_eq!(ScopeSet::parse([bad]), Err(InvalidScopes::Name), "{bad:?}");
        }
    }
}
