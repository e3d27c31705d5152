//! Counts wrong API keys by address, so that trying them out is slow. Fixed window; bounded in memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::clock::Timestamp;

/// Wrong keys per address and [`WINDOW`].
const ALLOWED: u32 = 20;

/// How long wrong keys are remembered.
const WINDOW: Duration = Duration::from_mins(1);

/// Addresses remembered at once. When it is full the windows that are over go first; a flood from more addresses than
/// this within one window is the network's to stop.
const MAX_ADDRESSES: usize = 10_000;

/// The counts.
#[derive(Default)]
pub(super) struct Failures(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Failures {
    /// How long the address has to wait, if it has to.
    pub(super) fn blocked(&self, from: IpAddr, now: Timestamp) -> Option<Duration> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let &(since, count) = counts.get(&from)?;
        let end = since.plus(WINDOW);
        (count >= ALLOWED && now < end).then(|| end.since(now))
    }

    /// Counts a wrong key.
    pub(super) fn note(&self, from: IpAddr, now: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_ADDRESSES {
            counts.retain(|_, (since, _)| now < since.plus(WINDOW));
        }
        if counts.len() >= MAX_ADDRESSES && !counts.contains_key(&from) {
            return;
        }
        let entry = counts.entry(from).or_insert((now, 0));
        if now >= entry.0.plus(WINDOW) {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_one_address_until_its_window_is_over() {
        let failures = Failures::default();
        let (bad, good) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Timestamp::from_secs(100);
        for _ in 0..ALLOWED {
            assert_eq!(failures.blocked(bad, now), None);
            failures.note(bad, now);
        }
        assert_eq!(failures.blocked(bad, now), Some(WINDOW));
        assert_eq!(failures.blocked(good, now), None);
        assert_eq!(failures.blocked(bad, now.plus(WINDOW)), None);
    }

    #[test]
    fn forgets_old_addresses_when_it_is_full() {
        let failures = Failures::default();
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            failures.note(IpAddr::from(n.to_be_bytes()), Timestamp::from_secs(0));
        }
        failures.note(IpAddr::from([255, 0, 0, 1]), Timestamp::from_secs(61));
        assert_eq!(failures.0.lock().unwrap().len(), 1);
    }
}
