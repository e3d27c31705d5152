//! The only source of randomness, and the fingerprints by which secrets are named in logs.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

/// `length` random bytes.
#[expect(clippy::disallowed_methods, reason = "this module is the owner of the random source")]
fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // The system source does not fail on the systems this runs on; zeros would show at once as repeated ids.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::error!("the system's random source failed");
    }
    bytes
}

/// 16 random bytes: a key of 128 bits.
#[must_use]
pub fn key() -> [u8; 16] {
    bytes(16).try_into().unwrap_or_default()
}

/// A random number, to start a pseudo-random sequence from.
#[must_use]
pub fn seed() -> u64 {
    bytes(8).into_iter().fold(0, |seed, byte| (seed << 8) | u64::from(byte))
}

/// Number `number` of the pseudo-random sequence that begins with `seed`: at least 0, below 1. (`SplitMix64`.)
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
pub fn unit(seed: u64, number: u64) -> f64 {
    let bits = mix(seed.wrapping_add(number.wrapping_add(1).wrapping_mul(STEP)));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// How far two states of `SplitMix64` lie apart.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What `SplitMix64` makes of its state.
#[must_use]
pub const fn mix(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `length` random lower-case hex digits.
#[must_use]
pub fn hex(length: usize) -> String {
    let mut text = hex::encode(bytes(length.div_ceil(2)));
    text.truncate(length);
    text
}

/// `length` random characters of `[A-Za-z0-9_-]`.
#[must_use]
pub fn url_safe(length: usize) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(bytes(length));
    text.truncate(length);
    text
}

/// `length` random capital consonants and digits that are not mixed up when read aloud (user codes).
#[must_use]
pub fn spoken(length: usize) -> String {
    const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
    bytes(length).iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// 32 hex digits that depend on `seed` only: ids that are the same in every run.
#[must_use]
pub fn fixed_hex(seed: &str) -> String {
    let mut text = hex::encode(digest(&SHA256, seed.as_bytes()));
    text.truncate(32);
    text
}

/// The first 16 hex digits of a secret's SHA-256: how logs and the control API name a token. Whoever holds the token can
/// compute it, and nobody can go back.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    Print::of(secret).to_string()
}

/// A [`fingerprint`] as a number, for logs that hold many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Print(u64);

impl Print {
    /// The fingerprint of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let hash = digest(&SHA256, secret.as_bytes());
        Self(hash.as_ref().iter().take(8).fold(0, |print, byte| (print << 8) | u64::from(*byte)))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Reads what [`fingerprint`] writes.
    #[must_use]
    pub fn parse(fingerprint: &str) -> Option<Self> {
        u64::from_str_radix(fingerprint, 16).ok().map(Self)
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Print {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An opaque token of about 1 KB that looks like a signed JWT, as the platform's do. Nobody can read anything in it.
#[must_use]
pub fn jwt_like() -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"ES256","typ":"JWT","feature_code":"sandbox"}"#);
    format!("{header}.{}.{}", url_safe(860), url_safe(86))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_depends_on_its_seed_only_and_is_spread_evenly() {
        let below = |seed, bound: f64| (0..10_000).filter(|number| unit(seed, *number) < bound).count();
        assert_eq!(below(7, 0.2), below(7, 0.2));
        for seed in [0, 1, 7, u64::MAX] {
            assert!((1_850..2_150).contains(&below(seed, 0.2)), "{seed}");
            assert_eq!((below(seed, 0.0), below(seed, 1.0)), (0, 10_000));
        }
        assert!((0..100).any(|number| (unit(1, number) < 0.5) != (unit(2, number) < 0.5)));
    }

    /// The digests of the empty text and of `abc` are in FIPS 180-2.
    #[test]
    fn a_fingerprint_is_the_beginning_of_the_digest() {
        assert_eq!(fingerprint(""), "e3b0c44298fc1c14");
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea");
        assert_eq!(Print::parse("ba7816bf8f01cfea"), Some(Print::of("abc")));
        assert_eq!(Print(1).to_string(), "0000000000000001");
    }

    #[test]
    fn shapes() {
        assert_eq!(hex(33).len(), 33);
        assert_eq!(url_safe(64).len(), 64);
        assert_eq!(spoken(8).len(), 8);
        assert_eq!(fixed_hex("a"), fixed_hex("a"));
        assert_ne!(fixed_hex("a"), fixed_hex("b"));
        let token = jwt_like();
        assert!(token.starts_with("eyJ") && token.len() > 900 && token.split('.').count() == 3);
    }
}
