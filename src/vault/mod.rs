//! Encryption at rest; the only place that sees keys. Knows no table, no database and no platform.
//!
//! A value is sealed for one [`Place`]: the table, row, field, consent and generation that it stands in are bound to the
//! ciphertext, so that it opens nowhere else (a value moved to another row or field, or an old one put back, is
//! refused). The form is `version ‖ key id length ‖ key id ‖ nonce ‖ ciphertext ‖ tag`, AES-256-GCM.
//!
//! Every row has a key of its own, derived by HKDF-SHA256 (RFC 5869) from a key of the [`Keyring`]: with 96-bit random
//! nonces no key ever comes near the 2^32 messages that NIST SP 800-38D §8.3 allows.
//!
//! Macs (API keys, links) carry the id of their key and are checked with that key, so that they outlive a rotation for
//! as long as the key stays in the ring.

mod keyring;
mod mac;
mod seal;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::random::Random;

pub use keyring::{KeyId, Keyring, KeyringError};
pub use mac::Mac;
pub use seal::{Place, Sealed, VaultError};

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    keyring: Arc<Keyring>,
    random: Arc<dyn Random>,
    sealed: Sealing,
}

/// Is told of every encryption with which key it was done.
pub type Sealing = Arc<dyn Fn(&KeyId) + Send + Sync>;

impl Vault {
    /// A vault over these keys. `random` gives the nonces.
    #[must_use]
    pub fn new(keyring: Keyring, random: Arc<dyn Random>) -> Self {
        Self { keyring: Arc::new(keyring), random, sealed: Arc::new(|_| ()) }
    }

    /// The same, and `sealed` is told of every encryption from now on.
    #[must_use]
    pub fn counted_by(self, sealed: Sealing) -> Self {
        Self { sealed, ..self }
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn sealing_id(&self) -> &KeyId {
        &self.keyring.sealing().id
    }

    /// The ids of the keys, the sealing one first.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keyring.ids()
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}
