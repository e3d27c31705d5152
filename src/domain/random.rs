//! Randomness as a value. Nobody draws from the operating system but the one [`Random`] that `app.rs` hands out.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::secret::Secret;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// 256 random bits as 43 characters of base64url: a `state`, a PKCE verifier, the secret half of an API key.
#[must_use]
pub fn token_256(random: &dyn Random) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    random.fill(&mut *bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(*bytes))
}

/// A duration drawn uniformly from zero to `limit` (full jitter).
#[must_use]
pub fn up_to(random: &dyn Random, limit: Duration) -> Duration {
    let mut bytes = [0_u8; 8];
    random.fill(&mut bytes);
    let share = u128::from(u64::from_le_bytes(bytes));
    let nanos = (limit.as_nanos() * share) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A number drawn from `0..below`; zero if `below` is zero. The bias is below 2^-32 for any `below` we use.
#[must_use]
pub fn below(random: &dyn Random, below: u32) -> u32 {
    let mut bytes = [0_u8; 8];
    random.fill(&mut bytes);
    let share = u128::from(u64::from_le_bytes(bytes));
    u32::try_from((share * u128::from(below)) >> 64).unwrap_or(0)
}
