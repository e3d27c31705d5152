//! The routes of the long connections that are the same at every platform. Each takes `?app_id=ID`; the default app is meant
//! without it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Control, ControlError};
use crate::feishu;
use crate::options::DEFAULT_APP_ID;
use crate::websocket::flood::{FloodReport, FloodSpec};
use crate::websocket::log::LogEntry;
use crate::websocket::raw::Raw;
use crate::websocket::server::{Hub, Server};

/// A platform whose apps have long connections.
pub(super) trait Streams: Clone + Send + Sync + 'static {
    /// What can happen to them.
    type Kind: Serialize + Clone + Send + Sync;
    /// How they can misbehave.
    type Faults: Serialize + DeserializeOwned + Default + Send;
    /// What they share.
    type Hub: Hub<Kind = Self::Kind, Faults = Self::Faults>;
    /// The app that is meant when none is named.
    const DEFAULT_APP: &'static str;

    /// Those of one app.
    fn stream(&self, app_id: &str) -> Option<Arc<Server<Self::Hub>>>;
}

impl Streams for Control {
    type Kind = feishu::stream::StreamLogKind;
    type Faults = feishu::stream::StreamFaults;
    type Hub = feishu::stream::Hub;
    const DEFAULT_APP: &'static str = DEFAULT_APP_ID;

    fn stream(&self, app_id: &str) -> Option<Arc<feishu::stream::Stream>> {
        self.feishu.stream(app_id)
    }
}

/// The routes.
pub(super) fn router<S: Streams>() -> Router<S> {
    Router::new()
        .route("/stream", get(state::<S>))
        .route("/stream/faults", get(faults::<S>).post(set_faults::<S>).delete(clear_faults::<S>))
        .route("/stream/log", get(log::<S>))
        .route("/stream/raw", post(raw::<S>))
        .route("/flood", post(flood::<S>))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) app_id: Option<String>,
    #[serde(default)]
    pub(super) after: usize,
}

pub(super) type Answer<T> = Result<Json<T>, ControlError>;

/// The app's connections.
pub(super) fn stream<S: Streams>(control: &S, asked: &Asked) -> Result<Arc<Server<S::Hub>>, ControlError> {
    let app_id = asked.app_id.as_deref().unwrap_or(S::DEFAULT_APP);
    control.stream(app_id).ok_or(ControlError::Absent("such app"))
}

async fn state<S: Streams>(State(control): State<S>, Query(asked): Query<Asked>) -> Answer<Value> {
    let stream = stream(&control, &asked)?;
    Ok(Json(json!({"connections": stream.connections(), "port": stream.address().port()})))
}

async fn faults<S: Streams>(State(control): State<S>, Query(asked): Query<Asked>) -> Answer<S::Faults> {
    Ok(Json(stream(&control, &asked)?.faults()))
}

/// Replaces all faults of the stream.
async fn set_faults<S: Streams>(
    State(control): State<S>,
    Query(asked): Query<Asked>,
    Json(faults): Json<S::Faults>,
) -> Result<StatusCode, ControlError> {
    stream(&control, &asked)?.set_faults(faults);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults<S: Streams>(
    State(control): State<S>,
    Query(asked): Query<Asked>,
) -> Result<StatusCode, ControlError> {
    stream(&control, &asked)?.set_faults(S::Faults::default());
    Ok(StatusCode::NO_CONTENT)
}

/// The entries from number `after` on.
async fn log<S: Streams>(State(control): State<S>, Query(asked): Query<Asked>) -> Answer<Vec<LogEntry<S::Kind>>> {
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
async fn raw<S: Streams>(
    State(control): State<S>,
    Query(asked): Query<Asked>,
    Json(body): Json<RawBody>,
) -> Answer<Value> {
    let sent = stream(&control, &asked)?.send_raw(body.connection, body.raw);
    let connection = sent.map_err(|_| ControlError::Absent("such connection"))?;
    Ok(Json(json!({"connection": connection})))
}

/// Floods a connection; answers when the flood is over.
async fn flood<S: Streams>(
    State(control): State<S>,
    Query(asked): Query<Asked>,
    Json(spec): Json<FloodSpec>,
) -> Answer<FloodReport> {
    Ok(Json(stream(&control, &asked)?.flood(spec).await))
}
