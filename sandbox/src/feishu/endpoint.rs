//! `POST /callback/ws/endpoint`: where a client asks for the address of its long connection.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Feishu;
use super::errors::Refusal;
use super::stream::Stream;
use crate::params::Params;

/// Checks the app and gives a single-use address and the client's settings. Errors are HTTP 200 with a code.
pub async fn endpoint(State(feishu): State<Arc<Feishu>>, body: Bytes) -> Result<Response, Refusal> {
    let stream = stream_of(&feishu, &body)?;
    let url = stream.new_ticket().map_err(|refusal| Refusal::open_api(StatusCode::OK, refusal.code, &refusal.msg))?;
    let data = json!({"URL": url, "ClientConfig": stream.client_config()});
    Ok(Json(json!({"code": 0, "msg": "", "data": data})).into_response())
}

fn stream_of(feishu: &Feishu, body: &[u8]) -> Result<Arc<Stream>, Refusal> {
    let refuse = |code, msg| Refusal::open_api(StatusCode::OK, code, msg);
    let params = Params::read(body);
    let app_id = params.get("AppID").ok_or_else(|| refuse(1_000_040_345, "app_id or app_secret is invalid"))?;
    let secret = params.get("AppSecret").ok_or_else(|| refuse(1_000_040_344, "no credential"))?;
    let state = feishu.world.lock();
    let app = state.apps.get(app_id).ok_or_else(|| refuse(1_000_040_345, "app_id or app_secret is invalid"))?;
    if app.secret != secret {
        return Err(refuse(514, "auth failed"));
    }
    if !app.enabled {
        return Err(refuse(403, "forbidden"));
    }
    feishu.stream(app_id).ok_or_else(|| refuse(1_000_040_343, "internal error"))
}
