//! The limits on messages and on the token endpoint.

use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use super::errors::Refusal;
use crate::limits::{Limits, MINUTE_MS, SECOND_MS, TooMany, Window};
use crate::options::TokenLimit;

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

/// The limits and how the token endpoint tells of its own.
pub struct RateLimits {
    limits: Limits,
    token_limit: Mutex<TokenLimit>,
}

impl RateLimits {
    /// Enforced or not, and how at the token endpoint.
    #[must_use]
    pub fn new(enabled: bool, token_limit: TokenLimit) -> Self {
        Self { limits: Limits::new(enabled), token_limit: Mutex::new(token_limit) }
    }

    /// Enforces them or lets everything pass.
    pub fn enable(&self, enabled: bool) {
        self.limits.enable(enabled);
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
        self.limits.count(windows, now_ms).map_err(|too_many| limited(&too_many))
    }
}

/// 429 with the platform's two headers: the limit, and the seconds until a call passes again.
fn limited(too_many: &TooMany) -> Refusal {
    let seconds = u64::try_from(too_many.left_ms).unwrap_or(0).div_ceil(1000).max(1);
    let most = u64::try_from(too_many.most).unwrap_or(u64::MAX);
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
