//! The platform's three uses of a session key: encrypting open data, signing it, and checking what a service signs.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::random;

/// The cipher's block, to which the padding fills up.
const BLOCK: usize = 16;

/// Encrypted open data, in the two texts that the client is given.
#[derive(Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The data.
    pub data: String,
    /// What the first block was mixed with.
    pub iv: String,
}

/// Fills up to the block with bytes that say how many they are (PKCS#7).
#[must_use]
pub fn padded(text: &[u8]) -> Vec<u8> {
    let missing = BLOCK - text.len() % BLOCK;
    let byte = u8::try_from(missing).unwrap_or_default();
    text.iter().copied().chain(std::iter::repeat_n(byte, missing)).collect()
}

/// Encrypts whole blocks with AES-128-CBC. `None` if the key is none, or the blocks are not whole.
#[must_use]
pub fn encrypt(session_key: &str, blocks: Vec<u8>) -> Option<Encrypted> {
    encrypt_with(session_key, random::key(), blocks)
}

fn encrypt_with(session_key: &str, iv: [u8; 16], mut blocks: Vec<u8>) -> Option<Encrypted> {
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(session_key).ok()?).ok()?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    EncryptingKey::cbc(key).ok()?.less_safe_encrypt(&mut blocks, context).ok()?;
    Some(Encrypted { data: STANDARD.encode(blocks), iv: STANDARD.encode(iv) })
}

/// The signature of what the client may read: SHA-1 over the text and the session key behind it.
#[must_use]
pub fn signature(raw_data: &str, session_key: &str) -> String {
    let text = format!("{raw_data}{session_key}");
    hex::encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// What a service proves its session key with: HMAC-SHA-256 over `message`, the key being the base64 text itself.
#[must_use]
pub fn proof(session_key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_key.as_bytes());
    hex::encode(hmac::sign(&key, message.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/fixtures/wechat/vectors.json")).unwrap()
    }

    fn text<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().unwrap()
    }

    /// The published example, made again from its plain text.
    #[test]
    fn encrypts_as_the_platform_does() {
        let vectors = vectors();
        let vector = &vectors["userinfo"];
        let iv = STANDARD.decode(text(vector, "iv")).unwrap().try_into().unwrap();
        let made = encrypt_with(text(vector, "sessionKey"), iv, padded(text(vector, "plaintext").as_bytes())).unwrap();
        assert_eq!(made.data, text(vector, "encryptedData"));
    }

    #[test]
    fn signs_as_the_platform_does() {
        let vectors = vectors();
        let signed = &vectors["rawdata_signature"];
        assert_eq!(signature(text(signed, "rawData"), text(signed, "sessionKey")), text(signed, "signature"));
        let proven = &vectors["session_hmac"];
        assert_eq!(proof(text(proven, "session_key"), text(proven, "body")), text(proven, "signature"));
        assert_eq!(proof(text(proven, "session_key"), ""), text(proven, "empty_body_signature"));
    }

    #[test]
    fn padding_fills_a_whole_block_behind_whole_blocks() {
        assert_eq!(padded(b""), [16; 16]);
        assert_eq!(padded(&[7; 16])[16..], [16; 16]);
        assert_eq!(padded(&[7; 15])[15..], [1]);
    }
}
