//! The requests that were taken lately, so that none is taken twice.
//!
//! A request is known by its time and nonce together, both of which are signed. What is older than the window is forgotten,
//! since it would be refused by its time; if there are too many the oldest go. Only signed requests come here, so nobody
//! else can fill it. It is this process's own and is empty after a restart: there, and at another replica, a request that
//! is sent again is known by its event's id, which the store keeps.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::clock::Timestamp;

/// How many are known at most: some 150 a second over the whole window.
pub(super) const MAX_KNOWN: usize = 100_000;

type Known = BTreeSet<(Timestamp, String)>;

/// The requests that were taken lately.
#[derive(Default)]
pub(super) struct Nonces(Mutex<Known>);

/// A request that is being taken. Unless it is kept, it is forgotten again.
pub(super) struct Taken {
    nonces: Arc<Nonces>,
    request: Option<(Timestamp, String)>,
}

impl Nonces {
    /// Takes a request; `None` if it was taken before. Those from before `oldest` are forgotten.
    pub(super) fn take(nonces: &Arc<Self>, at: Timestamp, nonce: String, oldest: Timestamp) -> Option<Taken> {
        let request = (at, nonce);
        let mut known = nonces.known();
        while known.first().is_some_and(|(at, _)| *at < oldest) || known.len() >= MAX_KNOWN {
            known.pop_first();
        }
        known.insert(request.clone()).then(|| Taken { nonces: Arc::clone(nonces), request: Some(request) })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// It is never to be taken again.
    pub(super) fn keep(mut self) {
        self.request = None;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            self.nonces.known().remove(&request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn take(nonces: &Arc<Nonces>, seconds: i64, nonce: &str, oldest: i64) -> bool {
        Nonces::take(nonces, at(seconds), nonce.to_owned(), at(oldest)).map(Taken::keep).is_some()
    }

    #[test]
    fn each_is_taken_once_while_it_is_known() {
        let nonces = Arc::default();
        assert!(take(&nonces, 100, "a", 0) && take(&nonces, 101, "a", 0) && take(&nonces, 100, "b", 0));
        assert!(!take(&nonces, 100, "a", 0) && !take(&nonces, 100, "a", 100));
        assert!(take(&nonces, 200, "c", 101), "forgets what is older than 101");
        assert_eq!(nonces.known().len(), 2);
    }

    #[test]
    fn one_that_was_not_kept_may_come_again() {
        let nonces: Arc<Nonces> = Arc::default();
        let taken = Nonces::take(&nonces, at(1), "a".to_owned(), at(0));
        assert!(taken.is_some() && !take(&nonces, 1, "a", 0), "not while the first is under way");
        drop(taken);
        assert!(take(&nonces, 1, "a", 0));
    }

    #[test]
    fn it_does_not_grow_beyond_its_bound() {
        let nonces = Arc::default();
        for number in 0..MAX_KNOWN + 10 {
            assert!(take(&nonces, i64::try_from(number / 1_000).unwrap(), &number.to_string(), 0));
        }
        assert_eq!(nonces.known().len(), MAX_KNOWN);
        assert!(take(&nonces, 0, "0", 0), "the oldest went");
        assert!(!take(&nonces, 100, "100009", 0), "the latest stayed");
    }
}
