//! The routes that change what is Feishu's: apps, the limits.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, ControlError};
use crate::options::{AppSpec, TokenLimit};

/// Adds or changes an app; a new one gets its own long connection.
pub(super) async fn apps(
    State(control): State<Control>,
    Json(spec): Json<AppSpec>,
) -> Result<Json<Value>, ControlError> {
    let app_id = spec.app_id.clone();
    let secret = {
        let mut state = control.feishu.world.lock();
        state.people.know_app(&app_id);
        let new = state.apps.put(spec, &control.feishu.tenant_key);
        state.apps.get(&app_id).filter(|_| new).map(|app| app.secret.clone())
    };
    control.ground.open_stream(&control.feishu, &app_id).await?;
    // The secret of a new app is told once, since it may have been made up.
    Ok(Json(json!({"app_id": app_id, "secret": secret})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitsBody {
    enabled: Option<bool>,
    token_endpoint: Option<TokenLimit>,
}

/// Enforces the limits, or not; changes how the token endpoint answers at its own.
pub(super) async fn rate_limits(State(control): State<Control>, Json(body): Json<RateLimitsBody>) -> StatusCode {
    if let Some(enabled) = body.enabled {
        control.feishu.limits.enable(enabled);
    }
    if let Some(limit) = body.token_endpoint {
        control.feishu.limits.limit_tokens(limit);
    }
    StatusCode::NO_CONTENT
}
