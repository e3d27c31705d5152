//! Which keys of the ring are in use, and for what.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::ApiKeyId;
use crate::vault::{KeyId, Sealed, Vault};

/// What is sealed with which key, and which API keys are bound to which. Keys are by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key that seals.
    pub sealing: KeyId,
    ring: Vec<KeyId>,
    values: BTreeMap<(KeyId, &'static str), u64>,
    api_keys: BTreeMap<KeyId, BTreeSet<ApiKeyId>>,
    /// Values that are of no form that we write.
    pub malformed: u64,
}

impl KeyUse {
    pub(super) fn new(vault: &Vault) -> Self {
        Self {
            sealing: vault.sealing_id().clone(),
            ring: vault.key_ids().cloned().collect(),
            values: BTreeMap::new(),
            api_keys: BTreeMap::new(),
            malformed: 0,
        }
    }

    pub(super) fn note(&mut self, table: &'static str, sealed: &Sealed) {
        match sealed.key_id() {
            Some(key_id) => *self.values.entry((key_id, table)).or_default() += 1,
            None => self.malformed += 1,
        }
    }

    pub(super) fn note_api_key(&mut self, key_id: KeyId, api_key: ApiKeyId) {
        self.api_keys.entry(key_id).or_default().insert(api_key);
    }

    /// Every key of the ring, and every other that a value names.
    #[must_use]
    pub fn keys(&self) -> Vec<&KeyId> {
        let named: BTreeSet<&KeyId> = self.values.keys().map(|(key, _)| key).chain(self.api_keys.keys()).collect();
        let others = named.into_iter().filter(|key| !self.ring.contains(key));
        self.ring.iter().chain(others).collect()
    }

    /// Whether the key is in the ring.
    #[must_use]
    pub fn has(&self, key: &KeyId) -> bool {
        self.ring.contains(key)
    }

    /// How many values of each table the key has sealed.
    pub fn sealed_by(&self, key: &KeyId) -> impl Iterator<Item = (&'static str, u64)> {
        self.values.iter().filter(move |((by, _), _)| by == key).map(|((_, table), count)| (*table, *count))
    }

    /// The API keys that are checked with this key and are not revoked.
    pub fn api_keys_of(&self, key: &KeyId) -> impl Iterator<Item = &ApiKeyId> {
        self.api_keys.get(key).into_iter().flatten()
    }

    /// How many values of a table are sealed with another key than the first.
    #[must_use]
    pub fn left_in(&self, table: &str) -> u64 {
        let old = self.values.iter().filter(|((key, of), _)| *of == table && *key != self.sealing);
        old.map(|(_, count)| count).sum()
    }

    /// The keys of the ring that nothing needs any more.
    pub fn removable(&self) -> impl Iterator<Item = &KeyId> {
        let needed = |key: &KeyId| self.sealed_by(key).next().is_some() || self.api_keys_of(key).next().is_some();
        self.ring.iter().filter(move |key| **key != self.sealing && !needed(key))
    }

    /// Whether everything is sealed with the first key, and no API key is bound to another one.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.malformed == 0 && self.keys().len() == 1 + self.removable().count()
    }
}
