//! What was done in a storm: how often each fault, when a gateway died, and for whom a lost grant is nobody's fault.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is written down.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// By name: how often it was done, or was seen.
    pub(super) counts: BTreeMap<&'static str, usize>,
    /// When a gateway was killed, by the platform's clock (ms).
    pub(super) kills: Vec<i64>,
    /// When a gateway that had been stopped went on (ms).
    pub(super) resumptions: Vec<i64>,
    /// Whose tokens the platform ended, how often.
    pub(super) ended: HashMap<String, usize>,
    /// Who was given a link to consent by: as long as it is good it is the asking.
    pub(super) linked: BTreeSet<String>,
    /// Who has left.
    pub(super) left: BTreeSet<String>,
    /// The chain of tokens that a person's last consent began, as far as the person saw that it was taken.
    pub(super) consents: HashMap<String, u64>,
    /// What must never be.
    pub(super) wrong: Vec<String>,
}

/// Written by every part of the storm.
#[derive(Debug, Default)]
pub(super) struct Diary(Mutex<Entries>);

impl Diary {
    pub(super) fn open(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, what: &'static str) {
        *self.open().counts.entry(what).or_default() += 1;
    }

    pub(super) fn wrong(&self, what: String) {
        self.open().wrong.push(what);
    }

    pub(super) fn ended(&self, person: &str) {
        *self.open().ended.entry(person.to_owned()).or_default() += 1;
    }
}
