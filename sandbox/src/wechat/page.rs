//! The page that plays a mini-program in WeChat (`/wechat`), and what it asks of the client in the phone and of its service
//! (`/wechat/api/…`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::WeChat;
use super::phone::{self, Wrong};
use crate::chat::{self, nobody};
use crate::{pages, viewer};

/// The longest wait for the service's answer, in seconds.
const LONGEST_WAIT_S: u64 = 25;

/// The page and its JSON.
pub fn router(wechat: Arc<WeChat>) -> Router {
    let common = chat::common(Arc::clone(&wechat.site));
    let own = Router::new()
        .route("/wechat", get(async || viewer::html(pages::mini_program())))
        .route("/wechat/api/login", post(login))
        .route("/wechat/api/login/{id}", get(answer))
        .with_state(wechat);
    own.nest("/wechat/api", common)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    open_id: String,
    /// Whether the service is given the person's profile, too.
    #[serde(default)]
    profile: bool,
    /// Whether the person lets it have the phone number.
    #[serde(default)]
    phone_number: bool,
}

/// `wx.login` and what else the person ticked; the mini-program lays it before its service.
async fn login(State(wechat): State<Arc<WeChat>>, Json(body): Json<LoginBody>) -> Response {
    let Some(person) = wechat.world.lock().people.find(&body.open_id) else {
        return nobody();
    };
    let app_id = wechat.default_app_id.clone();
    // The profile is signed with the session key that there is, so it is asked for before the code: a login changes the key.
    let profile = body.profile.then(|| phone::user_info(&wechat, &app_id, person, &Wrong::default())).flatten();
    let code = phone::login(&wechat, &app_id, person);
    let mut login = json!({"app_id": app_id, "code": code});
    if let (Some(Value::Object(profile)), Value::Object(login)) = (profile, &mut login) {
        login.extend(profile);
    }
    if body.phone_number {
        login["phone_code"] = json!(phone::phone_number(&wechat, &app_id, person));
    }
    let id = wechat.desk.lay(login);
    Json(json!({"id": id, "code": code})).into_response()
}

/// What the service said: `{status, body}`; 204 if it has said nothing within `wait` seconds.
async fn answer(
    State(wechat): State<Arc<WeChat>>,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let seconds = query.get("wait").and_then(|text| text.parse().ok()).unwrap_or_default();
    let wait = Duration::from_secs(LONGEST_WAIT_S.min(seconds));
    match tokio::time::timeout(wait, wechat.desk.answered(id)).await {
        Ok(answer) => Json(answer).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}
