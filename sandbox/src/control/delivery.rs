//! The administrator at the platform's console, who chooses the way that an app's events and card clicks go.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::drive::default_app;
use super::streams::{Asked, stream};
use super::{Control, ControlError};
use crate::feishu::webhook::Endpoint;
use crate::feishu::webhook::letter::Seals;

/// The routes.
pub(super) fn router() -> Router<Control> {
    Router::new().route("/control/delivery", get(shown).post(choose)).route("/control/letter", post(letter))
}

async fn shown(State(control): State<Control>, Query(asked): Query<Asked>) -> Result<Json<Value>, ControlError> {
    let endpoint = stream(&control, &asked)?.endpoint();
    Ok(Json(match endpoint {
        Some(endpoint) => json!({ "mode": "webhook", "url": endpoint.url().as_str() }),
        None => json!({ "mode": "long_connection" }),
    }))
}

#[derive(Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
enum Choice {
    LongConnection {
        #[serde(default = "default_app")]
        app_id: String,
    },
    Webhook {
        #[serde(default = "default_app")]
        app_id: String,
        url: String,
        /// Card clicks in the form before the envelopes.
        #[serde(default)]
        old_clicks: bool,
    },
}

/// Chooses; an address is taken only if it answers the platform's question.
async fn choose(State(control): State<Control>, Json(choice): Json<Choice>) -> Result<Json<Value>, ControlError> {
    let (app_id, endpoint) = match choice {
        Choice::LongConnection { app_id } => (app_id, None),
        Choice::Webhook { app_id, url, old_clicks } => {
            let url = Url::parse(&url).map_err(|error| ControlError::Wrong(error.to_string()))?;
            let endpoint = Endpoint::new(url, seals(&control, &app_id)?, old_clicks);
            (app_id, Some(endpoint.map_err(|error| ControlError::Wrong(error.to_string()))?))
        }
    };
    let asked = Asked { app_id: Some(app_id), after: 0 };
    let stream = stream(&control, &asked)?;
    if let Some(endpoint) = &endpoint {
        endpoint.prove(stream.patience()).await?;
    }
    stream.deliver(endpoint.map(Arc::new));
    shown(State(control), Query(asked)).await
}

fn seals(control: &Control, app_id: &str) -> Result<Seals, ControlError> {
    let state = control.feishu.world.lock();
    let app = state.apps.get(app_id).ok_or(ControlError::Absent("such app"))?;
    Ok(Seals { encrypt_key: app.encrypt_key.clone(), verification_token: app.verification_token.clone() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LetterBody {
    #[serde(default = "default_app")]
    app_id: String,
    envelope: Value,
}

/// Seals and signs an envelope as it would be posted now, and posts nothing.
async fn letter(State(control): State<Control>, Json(body): Json<LetterBody>) -> Result<Json<Value>, ControlError> {
    let now_ms = u64::try_from(control.feishu.clock.now_ms()).unwrap_or_default();
    let letter = seals(&control, &body.app_id)?.event(body.envelope.to_string().as_bytes(), now_ms);
    Ok(Json(json!(letter)))
}
