//! The routes of the long connection that only DingTalk has. Each takes `?app_id=ID`; the default app is meant without it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use super::dingtalk::Control;
use super::streams::{Answer, Asked, Streams, stream};
use crate::dingtalk;
use crate::options::DINGTALK_CLIENT_ID;

impl Streams for Control {
    type Kind = dingtalk::stream::StreamLogKind;
    type Faults = dingtalk::stream::StreamFaults;
    type Hub = dingtalk::stream::Hub;
    const DEFAULT_APP: &'static str = DINGTALK_CLIENT_ID;

    fn stream(&self, app_id: &str) -> Option<Arc<dingtalk::stream::Stream>> {
        self.dingtalk.stream(app_id)
    }
}

/// The routes.
pub(super) fn router() -> Router<Control> {
    Router::new().route("/stream/disconnect", post(disconnect)).route("/stream/system", post(system))
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
