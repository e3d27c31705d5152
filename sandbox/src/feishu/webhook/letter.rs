//! What the platform posts: a body, sealed, and the headers that sign it.
//!
//! Sealed: `{"encrypt": base64(iv ‖ AES-256-CBC)}` under SHA-256 of the encrypt key. Signed: hex of SHA-256 over time, nonce,
//! encrypt key and the body as it is sent; clicks in the older form by SHA-1 with the verification token. An app without
//! an encrypt key gets neither.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::random;

/// The app's secrets for it.
#[derive(Clone)]
pub struct Seals {
    /// What bodies are sealed and signed with, if the app has one.
    pub encrypt_key: Option<String>,
    /// What bodies name.
    pub verification_token: String,
}

/// One thing to post.
#[derive(Clone, Serialize)]
pub struct Letter {
    /// The headers that sign it.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes.
    pub body: String,
}

impl Seals {
    /// An event or a card click.
    #[must_use]
    pub fn event(&self, envelope: &[u8], now_ms: u64) -> Letter {
        self.signed(now_ms, self.sealed(envelope))
    }

    /// A body that is not sealed, or is already.
    #[must_use]
    pub fn signed(&self, now_ms: u64, body: String) -> Letter {
        match &self.encrypt_key {
            Some(key) => signed(&SHA256, key, now_ms, body),
            None => Letter { headers: Vec::new(), body },
        }
    }

    /// The question whether the address is the app's: sealed, not signed.
    #[must_use]
    pub fn question(&self, question: &Value) -> Letter {
        Letter { headers: Vec::new(), body: self.sealed(question.to_string().as_bytes()) }
    }

    /// A card click in the older form.
    #[must_use]
    pub fn old_click(&self, click: &Value, now_ms: u64) -> Letter {
        signed(&SHA1_FOR_LEGACY_USE_ONLY, &self.verification_token, now_ms, click.to_string())
    }

    fn sealed(&self, plain: &[u8]) -> String {
        let Some(key) = &self.encrypt_key else { return String::from_utf8_lossy(plain).into_owned() };
        let text = seal(key, plain).unwrap_or_else(|Unspecified| {
            tracing::error!("an event could not be sealed");
            String::new()
        });
        json!({ "encrypt": text }).to_string()
    }
}

fn seal(key: &str, plain: &[u8]) -> Result<String, Unspecified> {
    let key = UnboundCipherKey::new(&AES_256, digest(&SHA256, key.as_bytes()).as_ref())?;
    let mut bytes = plain.to_vec();
    let context = PaddedBlockEncryptingKey::cbc_pkcs7(key)?.encrypt(&mut bytes)?;
    let DecryptionContext::Iv128(iv) = context else { return Err(Unspecified) };
    Ok(STANDARD.encode([iv.as_ref().as_slice(), &bytes].concat()))
}

fn signed(algorithm: &'static Algorithm, key: &str, now_ms: u64, body: String) -> Letter {
    let (time, nonce) = ((now_ms / 1000).to_string(), random::hex(16));
    let signature = hex::encode(digest(algorithm, format!("{time}{nonce}{key}{body}").as_bytes()));
    let headers =
        vec![("x-lark-request-timestamp", time), ("x-lark-request-nonce", nonce), ("x-lark-signature", signature)];
    Letter { headers, body }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::PaddedBlockDecryptingKey;
    use aws_lc_rs::iv::FixedLength;

    use super::*;

    fn seals() -> Seals {
        Seals { encrypt_key: Some("test key".to_owned()), verification_token: "token".to_owned() }
    }

    #[test]
    fn what_is_sealed_can_be_opened_with_the_key() {
        let letter = seals().question(&json!({ "challenge": "c" }));
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        let mut bytes = STANDARD.decode(body["encrypt"].as_str().unwrap()).unwrap();
        let (iv, sealed) = bytes.split_first_chunk_mut::<16>().unwrap();
        let key = UnboundCipherKey::new(&AES_256, digest(&SHA256, b"test key").as_ref()).unwrap();
        let context = DecryptionContext::Iv128(FixedLength::from(*iv));
        let opened = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap().decrypt(sealed, context).unwrap().to_vec();
        assert_eq!(opened, br#"{"challenge":"c"}"#);
        assert!(letter.headers.is_empty());
    }

    /// The digests were computed with Python's hashlib.
    #[test]
    fn signatures() {
        let key = "key";
        for (algorithm, wanted) in [
            (&SHA256, "eeea17a251c07ba68b1862fc89789a3b57aab829e96b602697a8f3f58da564e4"),
            (&SHA1_FOR_LEGACY_USE_ONLY, "af0bbe0fff2483a4ddbb65edc9d82dcc8ac6e9c3"),
        ] {
            assert_eq!(hex::encode(digest(algorithm, format!("1700000000nonce{key}{{}}").as_bytes())), wanted);
            let letter = signed(algorithm, key, 1_700_000_000_999, "{}".to_owned());
            let text = format!("{}{}{key}{{}}", letter.headers[0].1, letter.headers[1].1);
            assert_eq!(letter.headers[0].1, "1700000000");
            assert_eq!(letter.headers[2].1, hex::encode(digest(algorithm, text.as_bytes())));
        }
    }

    #[test]
    fn without_a_key_nothing_is_sealed_or_signed() {
        let letter = Seals { encrypt_key: None, ..seals() }.event(b"{}", 0);
        assert_eq!((letter.headers.len(), letter.body.as_str()), (0, "{}"));
    }
}
