//! Query strings, strictly: a name that comes twice is an error, not a choice.

use std::collections::BTreeMap;

use crate::domain::secret::Secret;

/// The most parameters that are looked at.
const MAX_PARAMETERS: usize = 32;

/// The parameters of an address. Values may be codes, so they are secrets here.
pub(super) struct Query(BTreeMap<String, Secret>);

impl Query {
    /// Reads a raw query; `None` if a name comes twice or there are too many.
    pub(super) fn parse(raw: Option<&str>) -> Option<Self> {
        let mut all = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let doubled = all.insert(name.into_owned(), Secret::new(value.into_owned())).is_some();
            if doubled || all.len() > MAX_PARAMETERS {
                return None;
            }
        }
        Some(Self(all))
    }

    /// Takes a parameter that is not empty.
    pub(super) fn take(&mut self, name: &str) -> Option<Secret> {
        self.0.remove(name).filter(|value| !value.expose().is_empty())
    }

    /// The names that nobody took, in order.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
