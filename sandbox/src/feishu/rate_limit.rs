//! The limits on messages and on the token endpoint: so many calls in a window that slides with each call.
//!
//! A call counts in all of its windows or in none: one that is refused costs nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use super::errors::Refusal;
use crate::options::TokenLimit;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60_000;
/// From this many keys on, windows that have run empty are thrown away.
const TIDY_AT: usize = 4096;

/// One window of one key.
pub struct Window {
    key: String,
    most: usize,
    length_ms: i64,
}

/// The windows of a request to the token endpoint: 50 a second and 1000 a minute for the app.
#[must_use]
fn token_windows(app_id: &str) -> [Window; 2] {
    [
        Window { key: format!("oauth_token {app_id} second"), most: 50, length_ms: SECOND_MS },
        Window { key: format!("oauth_token {app_id} minute"), most: 1000, length_ms: MINUTE_MS },
    ]
}

/// The windows of one call: 50 a second and 1000 a minute for the interface and app, and 5 a second for `target`.
#[must_use]
pub fn windows(api: &str, app_id: &str, target: &str) -> [Window; 3] {
    [
        Window { key: format!("{api} {app_id} second"), most: 50, length_ms: SECOND_MS },
        Window { key: format!("{api} {app_id} minute"), most: 1000, length_ms: MINUTE_MS },
        Window { key: format!("{api} {app_id} to {target}"), most: 5, length_ms: SECOND_MS },
    ]
}

/// The calls of the last minute.
pub struct RateLimits {
    enabled: AtomicBool,
    token_limit: Mutex<TokenLimit>,
    calls: Mutex<HashMap<String, VecDeque<i64>>>,
}

impl RateLimits {
    /// Enforced or not, and how at the token endpoint.
    #[must_use]
    pub fn new(enabled: bool, token_limit: TokenLimit) -> Self {
        Self { enabled: AtomicBool::new(enabled), token_limit: Mutex::new(token_limit), calls: Mutex::default() }
    }

    /// Enforces them or lets everything pass.
    pub fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
    }

    /// Changes how the token endpoint's limit is answered.
    pub fn limit_tokens(&self, limit: TokenLimit) {
        *self.token_limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// Counts a request of an app to the token endpoint, or refuses it.
    pub fn count_token(&self, app_id: &str, now_ms: i64) -> Result<(), Refusal> {
        let limit = *self.token_limit.lock().unwrap_or_else(PoisonError::into_inner);
        match limit {
            TokenLimit::Off => Ok(()),
            TokenLimit::Http429 => self.count(&token_windows(app_id), now_ms),
            TokenLimit::Http400 => self
                .count(&token_windows(app_id), now_ms)
                .map_err(|refusal| refusal.with_status(StatusCode::BAD_REQUEST)),
        }
    }

    /// Counts a call at `now_ms`, or refuses it with 429.
    pub fn count(&self, windows: &[Window], now_ms: i64) -> Result<(), Refusal> {
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
                return Err(limited(window, first + window.length_ms - now_ms));
            }
        }
        for window in windows {
            calls.entry(window.key.clone()).or_default().push_back(now_ms);
        }
        Ok(())
    }
}

/// 429 with the platform's two headers: the limit, and the seconds until a call passes again.
fn limited(window: &Window, left_ms: i64) -> Refusal {
    let seconds = u64::try_from(left_ms).unwrap_or(0).div_ceil(1000).max(1);
    let most = u64::try_from(window.most).unwrap_or(u64::MAX);
    let status = StatusCode::TOO_MANY_REQUESTS;
    Refusal::open_api(status, 99_991_400, "request trigger frequency limit")
        .with_header("x-ogw-ratelimit-limit", most)
        .with_header("x-ogw-ratelimit-reset", seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_call_within_a_second_waits_for_the_first_to_leave() {
        let limits = RateLimits::new(true, TokenLimit::Http429);
        let call = |at_ms| limits.count(&windows("create", "app", "person"), at_ms).is_ok();
        assert!((0..5).all(|n| call(n * 10)));
        assert!(!call(999));
        assert!(call(1000));
        assert!(!call(1005));
    }

    #[test]
    fn an_app_has_fifty_a_second_and_a_thousand_a_minute() {
        let limits = RateLimits::new(true, TokenLimit::Http429);
        let call = |n: i64, at_ms| limits.count(&windows("create", "app", &n.to_string()), at_ms).is_ok();
        assert_eq!((0..60).filter(|n| call(*n, 0)).count(), 50);
        let passed = (1..30).flat_map(|s| (0..50).map(move |n| (s, n))).filter(|(s, n)| call(*n, s * 1000)).count();
        assert_eq!(passed, 950);
        limits.enable(false);
        assert!(call(0, 0));
    }
}
