//! The list of requests that clients made, for tests to judge by. Secrets appear as fingerprints only.
//!
//! An entry is written when the request arrives and completed when its answer is made, so that a test can also wait for a
//! request that a fault is holding. The oldest entries go when there are more than [`CAPACITY`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// How many entries are kept.
pub const CAPACITY: usize = 200_000;

/// What a request is about, as far as its text tells.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Call {
    /// Name of the interface, such as `oauth_token`.
    pub api: String,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The app that calls or is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The person concerned, by the default app's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_id: Option<String>,
    /// The OAuth grant type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// Fingerprints of the secrets sent, by field (`refresh_token`, `code`, `bearer`, …).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, String>,
}

/// What came of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// HTTP status of what the platform did, whether or not the client saw it.
    pub http: u16,
    /// `code` of the body, or `error` where there is no code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Value>,
    /// Fingerprints of the secrets issued, by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub issued: BTreeMap<String, String>,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Rises by one with each request.
    pub seq: u64,
    /// When it arrived (ms since the epoch).
    pub at_ms: i64,
    /// What it was.
    #[serde(flatten)]
    pub call: Call,
    /// The scripted fault that met it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What the platform did; absent while nothing has been done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When the answer was made or the connection cut (ms); absent while the platform or a fault is at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    /// Whether an answer was made (a fault's counts). Whether it went out, `written` tells.
    pub answered: bool,
    /// Whether every byte of the answer was written out; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<bool>,
}

/// The list.
pub struct Journal {
    kept: Mutex<Kept>,
    changes: watch::Sender<u64>,
}

/// The entries that are kept, and how many there have ever been: the number of the last one.
#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    written: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { kept: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Journal {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a request arrived. Returns its number.
    pub fn open(&self, call: Call, at_ms: i64) -> u64 {
        let mut kept = self.kept();
        kept.written += 1;
        let seq = kept.written;
        if kept.entries.len() == CAPACITY {
            kept.entries.pop_front();
        }
        kept.entries.push_back(Entry {
            seq,
            at_ms,
            call,
            fault: None,
            outcome: None,
            done_ms: None,
            answered: false,
            written: None,
        });
        drop(kept);
        self.changed();
        seq
    }

    /// Changes entry `seq`, if it is still kept.
    pub fn note(&self, seq: u64, change: impl FnOnce(&mut Entry)) {
        let mut kept = self.kept();
        let first = kept.entries.front().map_or(0, |entry| entry.seq);
        let at = usize::try_from(seq.wrapping_sub(first)).unwrap_or(usize::MAX);
        if let Some(entry) = kept.entries.get_mut(at) {
            change(entry);
        }
        drop(kept);
        self.changed();
    }

    /// The entries after number `after` for which `wanted` holds, oldest first.
    pub fn read(&self, after: u64, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let kept = self.kept();
        let fits = |entry: &&Entry| entry.seq > after && wanted(entry);
        kept.entries.iter().filter(fits).cloned().collect()
    }

    /// Forgets everything; the numbers go on.
    pub fn clear(&self) {
        self.kept().entries.clear();
    }

    /// Waits until at least `count` entries satisfy `wanted`, and returns those.
    pub async fn wait_for(&self, count: usize, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if self.count(&wanted) >= count || changes.changed().await.is_err() {
                return self.read(0, wanted);
            }
        }
    }

    /// Waits until `done` says so. It is asked again after every change of an entry.
    pub async fn wait_until(&self, done: impl Fn() -> bool) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if done() || changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn count(&self, wanted: impl Fn(&Entry) -> bool) -> usize {
        let kept = self.kept();
        kept.entries.iter().filter(|entry| wanted(entry)).count()
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }
}
