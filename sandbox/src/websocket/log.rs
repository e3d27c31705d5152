//! What happened on a long connection, for tests to read and to wait for. What can happen is each platform's own list.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use super::source::ClockMs;

/// The log is cut to half of this when it gets longer.
const LONGEST: usize = 200_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEntry<K> {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The connection, numbered from 1 in the order of dialling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// What it was.
    #[serde(flatten)]
    pub what: K,
}

/// The entries, and a signal for each new one.
pub(crate) struct Log<K> {
    clock_ms: ClockMs,
    entries: Mutex<Vec<LogEntry<K>>>,
    written: watch::Sender<u64>,
}

impl<K: Clone> Log<K> {
    /// An empty log.
    pub(crate) fn new(clock_ms: ClockMs) -> Self {
        Self { clock_ms, entries: Mutex::default(), written: watch::Sender::new(0) }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<LogEntry<K>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and wakes who waits.
    pub(crate) fn write(&self, connection: Option<u64>, what: K) {
        let entry = LogEntry { at_ms: (self.clock_ms)(), connection, what };
        let mut entries = self.entries();
        if entries.len() >= LONGEST {
            entries.drain(..LONGEST / 2);
        }
        entries.push(entry);
        drop(entries);
        self.written.send_modify(|count| *count += 1);
    }

    /// All entries, oldest first.
    pub(crate) fn read(&self) -> Vec<LogEntry<K>> {
        self.entries().clone()
    }

    /// Waits until `find` finds what it looks for.
    pub(crate) async fn wait_for<T>(&self, mut find: impl FnMut(&[LogEntry<K>]) -> Option<T>) -> T {
        let mut written = self.written.subscribe();
        loop {
            if let Some(found) = find(&self.entries()) {
                return found;
            }
            // The sender lives as long as the log, so this cannot fail.
            let _ = written.changed().await;
        }
    }
}
