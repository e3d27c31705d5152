//! So many calls in a window that slides with each call. What a platform answers beyond is its own.
//!
//! A call counts in all of its windows or in none: one that is refused costs nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A second.
pub const SECOND_MS: i64 = 1000;
/// A minute: the longest window there may be.
pub const MINUTE_MS: i64 = 60_000;
/// From this many keys on, windows that have run empty are thrown away.
const TIDY_AT: usize = 4096;

/// One window of one key.
pub struct Window {
    /// What is counted.
    pub key: String,
    /// How many calls pass.
    pub most: usize,
    /// In what time.
    pub length_ms: i64,
}

/// A call too many.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany {
    /// How many pass.
    pub most: usize,
    /// After how long one passes again (ms).
    pub left_ms: i64,
}

/// The calls of the last minute.
pub struct Limits {
    enabled: AtomicBool,
    calls: Mutex<HashMap<String, VecDeque<i64>>>,
}

impl Limits {
    /// Enforced or not.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self { enabled: AtomicBool::new(enabled), calls: Mutex::default() }
    }

    /// Enforces them or lets everything pass.
    pub fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
    }

    /// Counts a call at `now_ms`, or refuses it.
    pub fn count(&self, windows: &[Window], now_ms: i64) -> Result<(), TooMany> {
        if !self.enabled.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() > TIDY_AT {
            calls.retain(|_, times| times.back().is_some_and(|last| now_ms - last < MINUTE_MS));
        }
        for window in windows {
            let times = calls.entry(window.key.clone()).or_default();
            while times.front().is_some_and(|first| now_ms - first >= window.length_ms) {
                times.pop_front();
            }
            if let Some(first) = times.front().filter(|_| times.len() >= window.most) {
                return Err(TooMany { most: window.most, left_ms: first + window.length_ms - now_ms });
            }
        }
        for window in windows {
            calls.entry(window.key.clone()).or_default().push_back(now_ms);
        }
        Ok(())
    }
}
