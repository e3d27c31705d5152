//! The routes that only look at what is Feishu's.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use serde_json::{Value, json};

use super::{Control, ControlError};
use crate::chat;

type Asked = Query<HashMap<String, String>>;

/// A person's messages, all of them.
pub(super) async fn messages(State(control): State<Control>, Query(query): Asked) -> Result<Json<Value>, ControlError> {
    let open_id = query.get("open_id").map_or("", String::as_str);
    let person = control.feishu.world.lock().people.find(open_id).ok_or(ControlError::Absent("such person"))?;
    let (version, messages) = chat::changed(&control.feishu, person, 0);
    Ok(Json(json!({"version": version, "messages": messages})))
}

/// Every app, without its secret.
pub(super) async fn apps(State(control): State<Control>) -> Json<Value> {
    let state = control.feishu.world.lock();
    let apps = state.apps.iter().map(|app| {
        json!({
            "app_id": app.app_id, "name": app.name, "tenant_key": app.tenant_key, "enabled": app.enabled,
            "installed": app.installed, "bot": app.bot, "refresh": app.refresh, "refresh_mode": app.refresh_mode,
            "public_client": app.public_client, "scopes": app.scopes, "redirect_uris": app.redirect_uris,
        })
    });
    Json(apps.collect())
}
