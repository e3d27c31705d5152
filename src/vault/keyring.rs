//! The keys, as the operator writes them down.
//!
//! `id:base64(32 bytes)`, separated by new lines or commas. The first key seals, all of them open: a key is rotated by
//! putting a new one in front. No error ever repeats any part of a key.

use std::fmt;

use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// The length of a key in bytes.
const KEY_BYTES: usize = 32;

/// The longest key id in bytes.
pub(super) const MAX_KEY_ID_BYTES: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The public name of a key: 1 to 16 of `a-z`, `0-9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// Takes the text over, if it is a key id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_KEY_ID_BYTES).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (fits && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a keyring. Names the key by its id, or by its position where the id cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no key in it.
    #[error("the keyring is empty: give at least one `id:base64 of 32 bytes`")]
    Empty,
    /// An entry has no `id:` in front, or an id that is not one.
    #[error("entry {position} of the keyring has no key id of 1 to 16 characters a-z, 0-9, - and a colon in front")]
    Id {
        /// Which entry, from 1.
        position: usize,
    },
    /// The key is not base64.
    #[error("key `{id}` of the keyring is not base64")]
    Base64 {
        /// Which key.
        id: KeyId,
    },
    /// The key has the wrong length.
    #[error("key `{id}` of the keyring is not {KEY_BYTES} bytes long")]
    Length {
        /// Which key.
        id: KeyId,
    },
    /// Two keys have one id.
    #[error("key `{id}` stands twice in the keyring")]
    Twice {
        /// Which key.
        id: KeyId,
    },
}

/// The keys.
pub struct Keyring {
    sealing: Key,
    older: Vec<Key>,
}

/// One key of the ring.
pub(super) struct Key {
    pub(super) id: KeyId,
    master: Zeroizing<[u8; KEY_BYTES]>,
}

impl Keyring {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        let entries = text.split(['\n', ',']).map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let key = Key::parse(entry, index + 1)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyringError::Twice { id: key.id });
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let sealing = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self { sealing, older: keys.collect() })
    }

    /// The ids, the sealing key's first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        std::iter::once(&self.sealing).chain(&self.older).map(|key| &key.id)
    }

    pub(super) const fn sealing(&self) -> &Key {
        &self.sealing
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.sealing).chain(&self.older).find(|key| key.id.as_str() == id)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids().map(KeyId::as_str)).finish()
    }
}

impl Key {
    fn parse(entry: &str, position: usize) -> Result<Self, KeyringError> {
        let (id, encoded) = entry.split_once(':').ok_or(KeyringError::Id { position })?;
        let id = KeyId::parse(id.trim()).ok_or(KeyringError::Id { position })?;
        let mut master = Zeroizing::new([0_u8; KEY_BYTES]);
        match BASE64.decode_slice(encoded.trim(), &mut *master) {
            Ok(KEY_BYTES) => Ok(Self { id, master }),
            Ok(_) | Err(base64::DecodeSliceError::OutputSliceTooSmall) => Err(KeyringError::Length { id }),
            Err(base64::DecodeSliceError::DecodeError(_)) => Err(KeyringError::Base64 { id }),
        }
    }

    /// The key for one use, bound to `info`; `None` only if the library fails.
    pub(super) fn derive(&self, info: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        // The master key is uniformly random, so the extract step is not needed (RFC 5869 §3.3).
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &*self.master);
        let mut derived = Zeroizing::new([0_u8; KEY_BYTES]);
        prk.expand(&[info], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut *derived)).ok()?;
        Some(derived)
    }
}
