//! Seals one value for one place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::vault::Vault;
use crate::vault::keyring::{Key, KeyId, MAX_KEY_ID_BYTES};

/// The first byte of the form described in the module's doc.
const VERSION: u8 = 1;

/// What the key of a row is derived under.
const PURPOSE: &[u8] = b"cardkey/seal/v1";

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The row's key as text.
    pub row: &'a str,
    /// The column.
    pub field: &'static str,
    /// The consent that the value belongs to; 0 where there is none.
    pub consent_no: i64,
    /// The generation, or version, of the row that the value belongs to; 0 where it does not change.
    pub generation: i64,
}

/// A sealed value. Only [`Vault::seal`] makes one of a plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// A value read back from the database.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Which key it says it was sealed with; `None` if it is not of a form that we write.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        KeyId::parse(Parts::read(&self.0).ok()?.key_id)
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Why a value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It is not of a form that we write.
    #[error("the sealed value is malformed")]
    Malformed,
    /// Its key is not in the ring.
    #[error("the key `{id}` is not in the keyring")]
    UnknownKey {
        /// Which key it wants; unprintable characters are replaced.
        id: String,
    },
    /// Its key does not open it here: it was changed, moved, is of another time, or the key is another one.
    #[error("the sealed value does not open in this place")]
    Refused,
    /// The library failed; should not happen.
    #[error("the value cannot be sealed")]
    Failed,
}

impl Vault {
    /// Seals `plaintext` for `place` with the first key.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let key = self.keyring.sealing();
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce);
        // The plain text is encrypted where it is copied to: no second copy stays behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len()));
        buffer.extend_from_slice(plaintext);
        row_key(key, place)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(key, place), &mut *buffer)
            .map_err(|_| VaultError::Failed)?;
        (self.sealed)(&key.id);
        Ok(Sealed(join(key.id.as_str(), nonce, &buffer)))
    }

    /// Opens what was sealed for `place`, with whichever key of the ring it names.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let parts = Parts::read(&sealed.0)?;
        let key = self.keyring.find(parts.key_id).ok_or_else(|| unknown(parts.key_id))?;
        let mut buffer = Zeroizing::new(parts.ciphertext.to_vec());
        let length = row_key(key, place)?
            .open_in_place(Nonce::assume_unique_for_key(parts.nonce), aad(key, place), &mut buffer)
            .map_err(|_| VaultError::Refused)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

struct Parts<'a> {
    key_id: &'a str,
    nonce: [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, VaultError> {
        Self::split(bytes).ok_or(VaultError::Malformed)
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let length = usize::from(length);
        if version != VERSION || !(1..=MAX_KEY_ID_BYTES).contains(&length) {
            return None;
        }
        let (key_id, rest) = rest.split_at_checked(length)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>()?;
        Some(Self { key_id: std::str::from_utf8(key_id).ok()?, nonce: *nonce, ciphertext })
    }
}

fn join(key_id: &str, nonce: [u8; NONCE_LEN], ciphertext: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + key_id.len() + NONCE_LEN + ciphertext.len());
    bytes.push(VERSION);
    // A key id has at most 16 bytes.
    bytes.push(u8::try_from(key_id.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(key_id.as_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(ciphertext);
    bytes
}

fn row_key(key: &Key, place: &Place<'_>) -> Result<LessSafeKey, VaultError> {
    let mut info = Vec::with_capacity(128);
    for part in [PURPOSE, place.table.as_bytes(), place.row.as_bytes()] {
        append(&mut info, part);
    }
    let derived = key.derive(&info).ok_or(VaultError::Failed)?;
    UnboundKey::new(&AES_256_GCM, &*derived).map(LessSafeKey::new).map_err(|_| VaultError::Failed)
}

/// Each part has its length in front, so that no two places have the same bytes.
fn aad(key: &Key, place: &Place<'_>) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(160);
    bytes.push(VERSION);
    for part in [
        place.table.as_bytes(),
        place.row.as_bytes(),
        &place.consent_no.to_be_bytes(),
        &place.generation.to_be_bytes(),
        place.field.as_bytes(),
        key.id.as_str().as_bytes(),
    ] {
        append(&mut bytes, part);
    }
    Aad::from(bytes)
}

fn append(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

fn unknown(key_id: &str) -> VaultError {
    let id = key_id.chars().map(|char| if char.is_ascii_graphic() { char } else { '?' }).collect();
    VaultError::UnknownKey { id }
}
