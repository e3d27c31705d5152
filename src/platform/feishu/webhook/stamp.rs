//! Who signed a request, when: three headers.

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use crate::domain::clock::Timestamp;
use crate::domain::secret::Secret;

const TIME: &str = "x-lark-request-timestamp";
const NONCE: &str = "x-lark-request-nonce";
const SIGNATURE: &str = "x-lark-signature";

/// The longest time and nonce that are looked at, in characters.
const MAX_TEXT: usize = 128;

/// What a signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// SHA-256 with the encrypt key.
    EncryptKey,
    /// SHA-1 with the verification token.
    VerificationToken,
}

/// The three headers.
#[derive(Debug)]
pub(super) struct Stamp {
    pub(super) at: Timestamp,
    pub(super) nonce: String,
    pub(super) scheme: Scheme,
    time: String,
    signature: Vec<u8>,
}

impl Stamp {
    /// Reads them; `None` if one is missing, comes twice or cannot be one.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let [time, nonce, signature] = [TIME, NONCE, SIGNATURE].map(|name| only(headers, name));
        let (time, nonce) = (time?, nonce?);
        let signature = hex::decode(signature?).ok()?;
        let scheme = match signature.len() {
            32 => Scheme::EncryptKey,
            20 => Scheme::VerificationToken,
            _ => return None,
        };
        let digits = time.bytes().all(|byte| byte.is_ascii_digit());
        let at = time.parse().ok().filter(|_| digits).map(Timestamp::from_secs)?;
        Some(Self { at, nonce: nonce.to_owned(), scheme, time: time.to_owned(), signature })
    }

    /// Whether it is the signature of this body under this key.
    pub(super) fn is_of(&self, key: &Secret, body: &[u8]) -> bool {
        let mut digest = Context::new(self.scheme.algorithm());
        for part in [self.time.as_bytes(), self.nonce.as_bytes(), key.expose().as_bytes(), body] {
            digest.update(part);
        }
        digest.finish().as_ref().ct_eq(&self.signature).into()
    }
}

impl Scheme {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::EncryptKey => &SHA256,
            Self::VerificationToken => &SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// The one value of a header: not empty, not long.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    let fits = (1..=MAX_TEXT).contains(&value.len());
    (values.next().is_none() && fits).then_some(value)
}
