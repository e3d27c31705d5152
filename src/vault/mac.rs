//! Keyed hashes: what lets us recognise a secret that we do not keep, and a link that we made.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::vault::Vault;
use crate::vault::keyring::{Key, KeyId};

/// What the key of a purpose is derived under.
const PURPOSE: &str = "cardkey/mac/v1";

/// An HMAC-SHA256 and the key that it was made with.
#[derive(Debug, Clone)]
pub struct Mac {
    /// Which key of the ring.
    pub key_id: KeyId,
    /// The tag.
    pub tag: [u8; 32],
}

impl Mac {
    /// The text form `key id.base64url(tag)`, safe in URLs.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.key_id, URL_SAFE_NO_PAD.encode(self.tag))
    }

    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key_id, tag) = text.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?.try_into().ok()?;
        Some(Self { key_id: KeyId::parse(key_id)?, tag })
    }
}

impl Vault {
    /// The mac of `data` for `purpose`, under the first key. Macs of one purpose say nothing about another's.
    #[must_use]
    pub fn mac(&self, purpose: &str, data: &[u8]) -> Mac {
        let key = self.keyring.sealing();
        Mac { key_id: key.id.clone(), tag: tag(key, purpose, data).unwrap_or_default() }
    }

    /// Whether `mac` was made of `data` for `purpose` with a key of the ring. Compares in constant time.
    #[must_use]
    pub fn verify_mac(&self, purpose: &str, data: &[u8], mac: &Mac) -> bool {
        let expected = self.keyring.find(mac.key_id.as_str()).and_then(|key| tag(key, purpose, data));
        expected.is_some_and(|expected| expected.ct_eq(&mac.tag).into())
    }
}

fn tag(key: &Key, purpose: &str, data: &[u8]) -> Option<[u8; 32]> {
    let derived = key.derive(format!("{PURPOSE}|{purpose}").as_bytes())?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*derived);
    hmac::sign(&key, data).as_ref().try_into().ok()
}
