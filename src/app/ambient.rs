//! The process's own clock, randomness and TLS provider: their one owner.

use std::time::Duration;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::random::Random;

/// The wall clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// `CLOCK_BOOTTIME`: tokio's and the library's `Instant` stand still while the machine is suspended.
    fn reading(&self) -> Duration {
        let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (secs, nanos) = (u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0));
        Duration::new(secs, nanos)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the one source of randomness")]
        let filled = aws_lc_rs::rand::fill(buffer);
        // Without randomness there is no secret worth the name: nothing may go on.
        #[expect(clippy::expect_used, reason = "a system without randomness must stop, not go on with zeros")]
        filled.expect("the operating system gives random bytes");
    }
}

/// One TLS provider for the whole process; a second call changes nothing.
pub(super) fn install_tls_provider() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// Lets the process die where the variable `FAILPOINT` says, in a build that has such places.
pub(super) fn arm_fail_point() {
    #[cfg(feature = "failpoints")]
    {
        #[expect(clippy::disallowed_methods, reason = "of a test's build only")]
        let named = std::env::var("FAILPOINT");
        if let Ok(name) = named {
            crate::failpoint::arm(&name);
        }
    }
}
