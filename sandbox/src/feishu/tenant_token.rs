//! App tokens: `POST /open-apis/auth/v3/{tenant,app}_access_token/internal`.
//!
//! Answers lie at the top level, failures are HTTP 200 with a code, and no content type is asked for. The same token comes
//! back while at least half an hour of it is left.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Feishu;
use super::errors::Refusal;
use crate::params::Params;

/// How much of a token's life must be left for it to be given out again, in seconds.
const RENEW_S: i64 = 1800;

/// `tenant_access_token/internal`.
pub async fn tenant(State(feishu): State<Arc<Feishu>>, body: Bytes) -> Response {
    answer(
        issue(&feishu, &body)
            .map(|(token, expire)| json!({"code": 0, "msg": "ok", "tenant_access_token": token, "expire": expire})),
    )
}

/// `app_access_token/internal`: for a custom app the two tokens are one.
pub async fn app(State(feishu): State<Arc<Feishu>>, body: Bytes) -> Response {
    answer(issue(&feishu, &body).map(|(token, expire)| {
        json!({"code": 0, "msg": "ok", "app_access_token": token, "tenant_access_token": token, "expire": expire})
    }))
}

fn answer(result: Result<Value, Refusal>) -> Response {
    result.map_or_else(IntoResponse::into_response, |body| Json(body).into_response())
}

fn issue(feishu: &Feishu, body: &[u8]) -> Result<(String, i64), Refusal> {
    let params = Params::read(body);
    let refuse = |code, msg| Refusal::open_api(StatusCode::OK, code, msg);
    let (Some(app_id), Some(secret)) = (params.get("app_id"), params.get("app_secret")) else {
        return Err(refuse(10003, "invalid param"));
    };
    let mut state = feishu.world.lock();
    let app = state.apps.get(app_id).ok_or_else(|| refuse(10003, "invalid param"))?;
    if app.secret != secret {
        return Err(refuse(10014, "app secret invalid"));
    }
    let now_ms = feishu.clock.now_ms();
    let life_s = feishu.lifetimes.tenant_token_s;
    // A lifetime set shorter than the window would renew at every call.
    let renew_s = RENEW_S.min(life_s / 4);
    let (token, expires_ms) = state.tokens.tenant(app_id, now_ms, life_s * 1000, renew_s * 1000);
    Ok((token, (expires_ms - now_ms) / 1000))
}
