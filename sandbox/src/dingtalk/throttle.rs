//! The limit on calls: 20 a second for one app and interface. Beyond, the answer is 403 with a code that says so, not 429.

use axum::http::StatusCode;

use super::DingTalk;
use super::refusal::Refusal;
use crate::limits::{SECOND_MS, Window};
use crate::options::TokenLimit;

/// How many calls of one app to one interface pass in a second.
const MOST: usize = 20;

/// Counts a call, or refuses it.
pub fn count(dingtalk: &DingTalk, api: &str, client_id: &str) -> Result<(), Refusal> {
    let window = Window { key: format!("{api} {client_id}"), most: MOST, length_ms: SECOND_MS };
    dingtalk.limits.count(&[window], dingtalk.clock.now_ms()).map_err(|_| {
        let code = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi";
        Refusal::new(StatusCode::FORBIDDEN, code, "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了")
    })
}

/// The same for the token endpoint, where it is told to have a limit.
pub fn count_token(dingtalk: &DingTalk, client_id: &str) -> Result<(), Refusal> {
    match dingtalk.token_limit {
        TokenLimit::Off => Ok(()),
        TokenLimit::Http429 | TokenLimit::Http400 => count(dingtalk, "oauth_token", client_id),
    }
}
