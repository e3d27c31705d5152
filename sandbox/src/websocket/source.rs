//! The long connections' one owner of wall clock and randomness; both can be replaced by a test.

use std::{fmt, io, sync::Arc, time::Duration};

use crate::random::{STEP, mix};

/// Milliseconds since the Unix epoch, read on every call.
pub type ClockMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Where a stream takes time stamps and randomness from.
#[derive(Clone)]
pub struct Sources {
    /// The wall clock.
    pub clock_ms: ClockMs,
    /// Start of the pseudo-random sequence for ids, tickets and choices.
    pub seed: u64,
}

impl fmt::Debug for Sources {
    // The seed is left out: tickets can be computed from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// The system's clock, and a seed from its random generator.
    pub fn system() -> io::Result<Self> {
        Ok(Self { clock_ms: Arc::new(system_clock_ms), seed: system_seed()? })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the long connections' owner of the clock")]
fn system_clock_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "this is the long connections' owner of randomness")]
fn system_seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness from the system"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A duration from seconds that may be absurd: negative is none, too long is a century.
pub(crate) fn scaled(seconds: f64) -> Duration {
    const CENTURY: Duration = Duration::from_hours(876_600);
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or(CENTURY, |d| d.min(CENTURY))
}

/// A small deterministic generator (`SplitMix64`): good enough to spread choices and make unlike ids.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence that depends on nothing but the seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The remainder fits, since it is smaller than a usize.
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// 32 random hex digits.
    pub(crate) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A random UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let wide = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(wide.to_be_bytes()).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_sequence() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        assert_eq!(a.hex32(), b.hex32());
        assert_eq!(a.uuid().len(), 36);
        assert_ne!(a.next(), Random::new(8).next());
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::new(1);
        assert!((0..1_000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
