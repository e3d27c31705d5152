//! The routes of DingTalk's long connection. Each takes `?app_id=ID`; the default app is meant without it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use super::dingtalk::{Control, default_app};
use crate::dingtalk::stream::{Stream, StreamFaults, StreamLogEntry};
use crate::websocket::flood::{FloodReport, FloodSpec};
use crate::websocket::raw::Raw;

/// The routes.
pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/stream", get(state))
        .route("/stream/faults", get(faults).post(set_faults).delete(clear_faults))
        .route("/stream/log", get(log))
        .route("/stream/raw", post(raw))
        .route("/stream/disconnect", post(disconnect))
        .route("/stream/system", post(system))
        .route("/flood", post(flood))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "default_app")]
    app_id: String,
    #[serde(default)]
    after: usize,
}

type Answer<T> = Result<Json<T>, ControlError>;

fn stream(control: &Control, asked: &Asked) -> Result<Arc<Stream>, ControlError> {
    control.dingtalk.stream(&asked.app_id).ok_or(ControlError::Absent("such app"))
}

async fn state(State(control): State<Control>, Query(asked): Query<Asked>) -> Answer<Value> {
    let stream = stream(&control, &asked)?;
    Ok(Json(json!({"connections": stream.connections(), "port": stream.address().port()})))
}

async fn faults(State(control): State<Control>, Query(asked): Query<Asked>) -> Answer<StreamFaults> {
    Ok(Json(stream(&control, &asked)?.faults()))
}

/// Replaces all faults of the stream.
async fn set_faults(
    State(control): State<Control>,
    Query(asked): Query<Asked>,
    Json(faults): Json<StreamFaults>,
) -> Result<StatusCode, ControlError> {
    stream(&control, &asked)?.set_faults(faults);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(control): State<Control>, Query(asked): Query<Asked>) -> Result<StatusCode, ControlError> {
    stream(&control, &asked)?.set_faults(StreamFaults::default());
    Ok(StatusCode::NO_CONTENT)
}

/// The entries from number `after` on.
async fn log(State(control): State<Control>, Query(asked): Query<Asked>) -> Answer<Vec<StreamLogEntry>> {
    let mut entries = stream(&control, &asked)?.log();
    Ok(Json(entries.split_off(asked.after.min(entries.len()))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBody {
    connection: Option<u64>,
    raw: Vec<Raw>,
}

/// Puts bytes or messages on a connection as they are.
async fn raw(State(control): State<Control>, Query(asked): Query<Asked>, Json(body): Json<RawBody>) -> Answer<Value> {
    let sent = stream(&control, &asked)?.send_raw(body.connection, body.raw);
    let connection = sent.map_err(|_| ControlError::Absent("such connection"))?;
    Ok(Json(json!({"connection": connection})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisconnectBody {
    connection: Option<u64>,
    #[serde(default = "expired")]
    reason: String,
}

fn expired() -> String {
    "connection is expired".to_owned()
}

/// Announces the end of a connection, or of all; it comes ten seconds later.
async fn disconnect(
    State(control): State<Control>,
    Query(asked): Query<Asked>,
    Json(body): Json<DisconnectBody>,
) -> Answer<Value> {
    let told = stream(&control, &asked)?.disconnect(body.connection, &body.reason);
    Ok(Json(json!({"told": told.map_err(|_| ControlError::Absent("such connection"))?})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemBody {
    topic: String,
    #[serde(default)]
    data: Value,
}

/// Sends a `SYSTEM` frame to every connection.
async fn system(
    State(control): State<Control>,
    Query(asked): Query<Asked>,
    Json(body): Json<SystemBody>,
) -> Result<StatusCode, ControlError> {
    stream(&control, &asked)?.system(&body.topic, &body.data);
    Ok(StatusCode::NO_CONTENT)
}

/// Floods a connection; answers when the flood is over.
async fn flood(
    State(control): State<Control>,
    Query(asked): Query<Asked>,
    Json(spec): Json<FloodSpec>,
) -> Answer<FloodReport> {
    Ok(Json(stream(&control, &asked)?.flood(spec).await))
}
