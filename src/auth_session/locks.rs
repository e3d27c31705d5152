//! One asker at a time per person, within this process, while a session is opened or joined. Never held while a card is
//! sent.
//!
//! Across processes the store's unique pending session does the same; this only saves many askers from losing the same
//! race over and over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::domain::ids::Subject;

/// Above this many entries, the free ones are dropped.
const SWEEP_AT: usize = 4_096;

/// The locks.
#[derive(Default)]
pub(super) struct SubjectLocks(Mutex<HashMap<Subject, Arc<tokio::sync::Mutex<()>>>>);

impl SubjectLocks {
    /// Waits for the person's lock.
    pub(super) async fn lock(&self, subject: &Subject) -> OwnedMutexGuard<()> {
        self.of(subject).lock_owned().await
    }

    fn of(&self, subject: &Subject) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.len() >= SWEEP_AT {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(subject.clone()).or_default())
    }
}
