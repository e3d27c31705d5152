//! Callers: their API keys, and how fast a wrong key may be tried.
//!
//! A key is `ck_<id>_<secret>`: the id finds the row, the secret has 256 random bits and is kept as a keyed hash. A fast
//! hash is right for such a secret: there is nothing to guess.

mod failures;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::caller::{ApiKey, Caller};
use crate::domain::clock::Clock;
use crate::domain::ids::{ApiKeyId, AppId};
use crate::domain::random::{Random, token_256};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

use failures::Failures;

/// The longest presented key that is looked at, in bytes.
const MAX_PRESENTED: usize = 256;

/// Checks API keys.
#[derive(Clone)]
pub struct Access {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    failures: Arc<Failures>,
}

/// Why a key was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No key, not a key, unknown, wrong or revoked: one answer for all of them.
    #[error("the API key is missing or not valid")]
    Unknown,
    /// Too many wrong keys from this address.
    #[error("too many wrong API keys from this address")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// The key could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new key: shown once.
pub struct NewKey {
    /// What is stored.
    pub key: ApiKey,
    /// The whole text for the caller.
    pub text: Secret,
}

impl Access {
    /// Access over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { store, clock, metrics, failures: Arc::default() }
    }

    /// Whose key this is. `from` is the peer's address: wrong keys are counted by it. A good key is never held up by
    /// others' wrong ones: behind a proxy they all come from one address.
    pub async fn authenticate(&self, presented: Option<&str>, from: IpAddr) -> Result<Caller, Refused> {
        if let Some(caller) = self.check(presented.unwrap_or_default()).await? {
            return Ok(caller);
        }
        let now = self.clock.now();
        if let Some(retry_after) = self.failures.blocked(from, now) {
            self.metrics.api_key_refused("rate_limited");
            return Err(Refused::TooMany { retry_after });
        }
        self.failures.note(from, now);
        self.metrics.api_key_refused("invalid");
        Err(Refused::Unknown)
    }

    async fn check(&self, presented: &str) -> Result<Option<Caller>, StoreError> {
        let Some((id, secret)) = parse(presented) else { return Ok(None) };
        let Some((key, hash)) = self.store.api_key(&id).await? else { return Ok(None) };
        if !self.store.verify_api_key(&hash, &secret) || key.revoked_at.is_some() {
            return Ok(None);
        }
        // The key is good all the same; its next use tries again.
        if let Err(error) = self.store.rebind_api_key(&hash, &secret).await {
            tracing::warn!(key = %id, %error, "an API key could not be bound to the new master key yet");
        }
        Ok(Some(key.caller))
    }

    /// Makes a key.
    pub async fn create(
        &self,
        random: &dyn Random,
        name: &str,
        apps: BTreeSet<AppId>,
        scopes: ScopeSet,
    ) -> Result<NewKey, StoreError> {
        let id = ApiKeyId::generate(random);
        let secret = token_256(random);
        let text = Secret::new(format!("ck_{id}_{}", secret.expose()));
        let caller = Caller { key: id, name: name.to_owned(), apps, scopes };
        let key = ApiKey { caller, created_at: self.clock.now(), revoked_at: None };
        self.store.create_api_key(&key, &secret).await?;
        Ok(NewKey { key, text })
    }

    /// All keys, revoked ones too.
    pub async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.store.list_api_keys().await
    }

    /// Ends a key; false if there is none of this id that is not ended already.
    pub async fn revoke(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        self.store.revoke_api_key(id, self.clock.now()).await
    }
}

/// Splits `ck_<id>_<secret>`. The secret is base64url, which has underscores of its own: only the first two count.
fn parse(presented: &str) -> Option<(ApiKeyId, Secret)> {
    if presented.len() > MAX_PRESENTED {
        return None;
    }
    let (id, secret) = presented.strip_prefix("ck_")?.split_once('_')?;
    let well_formed = id.len() == 12
        && id.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        && secret.len() == 43
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !well_formed {
        return None;
    }
    Some((ApiKeyId::parse(id).ok()?, Secret::new(secret.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_key_and_nothing_else() {
        let secret = "a_-4567890123456789012345678901234567890123";
        assert!(parse(&format!("ck_0123456789ab_{secret}")).is_some());
        for (id, bad) in [
            ("K1", String::new()),
            ("K2", "ck_".to_owned()),
            ("K2", "ck_0123456789ab_".to_owned()),
            ("K7", format!("ck_0123456789ab_{secret}\n")),
            ("K7", format!("ck_0123456789ab_{secret} ")),
            ("K8", format!("сk_0123456789ab_{secret}")),
            ("K8", format!("ck_0123456789аb_{secret}")),
            ("K10", "ck_".to_owned() + &"a".repeat(1 << 20)),
        ] {
            assert!(parse(&bad).is_none(), "{id}");
        }
    }
}
