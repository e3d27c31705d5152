//! How bodies are sealed: base64 of 16 bytes and AES-256-CBC with PKCS #7 padding, under SHA-256 of the encrypt key. The
//! platform chose it; it does not prove who sealed, which the signature does.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::{FixedLength, IV_LEN_128_BIT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::secret::Secret;

/// Opens a sealed text; `None` if it is none under this key.
pub(super) fn open(key: &Secret, text: &str) -> Option<Vec<u8>> {
    let mut bytes = STANDARD.decode(text).ok()?;
    let (iv, sealed) = bytes.split_first_chunk_mut::<IV_LEN_128_BIT>()?;
    let key = UnboundCipherKey::new(&AES_256, digest(&SHA256, key.expose().as_bytes()).as_ref()).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(*iv));
    key.decrypt(sealed, context).ok().map(|opened| opened.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the platform's own page on sealed events.
    const EXAMPLE: &str = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=";

    fn key(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn opens_the_platforms_own_example() {
        assert_eq!(open(&key("test key"), EXAMPLE).as_deref(), Some(&b"hello world"[..]));
    }

    #[test]
    fn what_is_not_sealed_under_the_key_does_not_open() {
        assert_eq!(open(&key("another key"), EXAMPLE), None, "this one's padding comes out wrong");
        let sealed = STANDARD.decode(EXAMPLE).unwrap();
        for length in 0..sealed.len() {
            assert_eq!(open(&key("test key"), &STANDARD.encode(&sealed[..length])), None, "{length} bytes of it");
        }
        for text in ["", "?", "P37w", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk"] {
            assert_eq!(open(&key("test key"), text), None, "{text}");
        }
    }
}
