//! The chat page that looks like this platform's, and the taps on it (`/dingtalk`, `/dingtalk/chat/api/…`).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::click::{self, Tap};
use super::{DingTalk, robot};
use crate::chat::{self, nobody};
use crate::{pages, viewer};

/// The page and its JSON.
pub fn router(dingtalk: Arc<DingTalk>) -> Router {
    let common = chat::common(Arc::clone(&dingtalk.site));
    let own = Router::new()
        .route("/dingtalk", get(async || viewer::html(pages::dingtalk_chat())))
        .route("/dingtalk/chat/api/tap", post(tap))
        .route("/dingtalk/chat/api/say", post(say))
        .with_state(dingtalk);
    own.nest("/dingtalk/chat/api", common)
}

#[derive(Deserialize)]
struct TapBody {
    open_id: String,
    message_id: String,
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    action_ids: Vec<String>,
    #[serde(default)]
    params: Value,
}

/// A tap: waits for the app's answer and tells what went wrong.
async fn tap(State(dingtalk): State<Arc<DingTalk>>, Json(body): Json<TapBody>) -> Response {
    let Some(person) = dingtalk.world.lock().people.find(&body.open_id) else {
        return nobody();
    };
    let Action { action_ids, params } = body.action;
    let error = match click::tap(&dingtalk, &Tap { person, card: body.message_id, action_ids, params }).await {
        Ok(()) => Value::Null,
        Err(error) => json!({"code": error.code(), "text": error.to_string()}),
    };
    Json(json!({"toast": null, "error": error})).into_response()
}

#[derive(Deserialize)]
struct SayBody {
    open_id: String,
    app_id: String,
    text: String,
}

/// The person writes to the robot.
async fn say(State(dingtalk): State<Arc<DingTalk>>, Json(body): Json<SayBody>) -> Response {
    let Some(person) = dingtalk.world.lock().people.find(&body.open_id) else {
        return nobody();
    };
    let said = robot::say(&dingtalk, person, &body.app_id, &body.text, false);
    Json(json!({"message_id": said.as_ref().map(|(id, _)| id), "heard": said.is_some_and(|(_, heard)| heard)}))
        .into_response()
}
