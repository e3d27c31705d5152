//! A downstream service that asks for tokens, and what it may ask for.

use std::collections::BTreeSet;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApiKeyId, AppId};
use crate::domain::scopes::ScopeSet;

/// The scope that lets a caller ask who a login code stands for. It is ours: no platform has one of this name.
pub const IDENTITIES: &str = "cardkey:identities";

/// A caller as its API key names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The public half of the key.
    pub key: ApiKeyId,
    /// The service's name, shown to people on cards and pages.
    pub name: String,
    /// The apps it may ask under.
    pub apps: BTreeSet<AppId>,
    /// The scopes it may ask for.
    pub scopes: ScopeSet,
}

/// Why a caller may not have what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The key is not for this app.
    #[error("this API key is not for app {0}")]
    App(AppId),
    /// The key is not for these scopes.
    #[error("this API key is not for these scopes: {0}")]
    Scopes(ScopeSet),
}

impl Caller {
    /// Whether the caller may have `scopes` under `app`.
    pub fn may(&self, app: &AppId, scopes: &ScopeSet) -> Result<(), Forbidden> {
        if !self.apps.contains(app) {
            return Err(Forbidden::App(app.clone()));
        }
        let missing = self.scopes.missing(scopes);
        if missing.is_empty() { Ok(()) } else { Err(Forbidden::Scopes(missing)) }
    }

    /// Whether the caller may be told who logs in to `app`.
    pub fn may_identify(&self, app: &AppId) -> Result<(), Forbidden> {
        self.may(app, &ScopeSet::from_list(IDENTITIES))
    }
}

/// An API key as it is listed; its secret is never seen again after its making.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Who it speaks for and what it may.
    pub caller: Caller,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn may_have_only_what_its_key_names() {
        let app = AppId::parse("cli_a").unwrap();
        let caller = Caller {
            key: ApiKeyId::parse("0123456789ab").unwrap(),
            name: "reports".to_owned(),
            apps: BTreeSet::from([app.clone()]),
            scopes: ScopeSet::from_list("a b"),
        };
        assert_eq!(caller.may(&app, &ScopeSet::from_list("a")), Ok(()));
        assert_eq!(caller.may(&app, &ScopeSet::from_list("a c")), Err(Forbidden::Scopes(ScopeSet::from_list("c"))));
        assert_eq!(caller.may_identify(&app), Err(Forbidden::Scopes(ScopeSet::from_list(IDENTITIES))));
        let other = AppId::parse("cli_b").unwrap();
        assert_eq!(caller.may(&other, &ScopeSet::default()), Err(Forbidden::App(other.clone())));
    }
}
