//! `POST /v1.0/gateway/connections/open`: where a client asks for the address of its long connection.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::DingTalk;
use super::refusal::Refusal;
use super::stream::{RefuseOpen, Stream, Subscriptions};

/// Checks the app and gives endpoint and ticket. `ua`, `localIp` and `extras` may be anything.
pub async fn open(State(dingtalk): State<Arc<DingTalk>>, body: Bytes) -> Result<Response, Refusal> {
    let body: Value =
        serde_json::from_slice(&body).map_err(|_| Refusal::bad("invalidParameter", "the body is not JSON"))?;
    let stream = stream_of(&dingtalk, &body)?;
    let subscriptions =
        Subscriptions::read(&body["subscriptions"]).map_err(|what| Refusal::bad("invalidParameter", what))?;
    Ok(match stream.open(subscriptions) {
        Ok((endpoint, ticket)) => Json(json!({"endpoint": endpoint, "ticket": ticket})).into_response(),
        Err(refusal) => scripted(&refusal),
    })
}

fn stream_of(dingtalk: &DingTalk, body: &Value) -> Result<Arc<Stream>, Refusal> {
    let failed = || Refusal::new(StatusCode::UNAUTHORIZED, "authFailed", "鉴权失败");
    let client_id = body["clientId"].as_str().unwrap_or_default();
    let state = dingtalk.world.lock();
    let app = state.apps.get(client_id).filter(|app| app.enabled).ok_or_else(failed)?;
    if body["clientSecret"] != app.secret.as_str() {
        return Err(failed());
    }
    dingtalk.stream(client_id).ok_or_else(failed)
}

/// What a fault answers: JSON, or a page as boxes in the middle send it.
fn scripted(refusal: &RefuseOpen) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    match &refusal.body {
        Value::String(text) => (status, Html(text.clone())).into_response(),
        body => (status, Json(body.clone())).into_response(),
    }
}
