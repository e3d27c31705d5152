//! The control API of the WeChat simulator, under `/wechat/control/`. People are named by any of their ids, apps by app id.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, site};
use crate::options::{AppSpec, WECHAT_APP_ID};
use crate::wechat::WeChat;
use crate::wechat::phone::{self, Wrong};
use crate::world::people::PersonId;

/// The longest wait for a login, in seconds.
const LONGEST_WAIT_S: u64 = 60;

fn default_app() -> String {
    WECHAT_APP_ID.to_owned()
}

/// All routes.
pub fn router(wechat: Arc<WeChat>) -> Router {
    let common = site::router(Arc::clone(&wechat.site));
    let own = Router::new()
        .route("/apps", get(list_apps).post(put_app))
        .route("/login", post(login))
        .route("/phone_code", post(phone_code))
        .route("/user_info", post(user_info))
        .route("/logins", get(take_login))
        .route("/logins/{id}", post(answer_login))
        .route("/tokens", axum::routing::delete(kill_tokens))
        .route("/address", post(address))
        .route("/rate_limits", post(rate_limits))
        .with_state(wechat);
    Router::new().nest("/wechat/control", common.merge(own))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
}

impl Whose {
    fn person(&self, wechat: &WeChat) -> Result<PersonId, ControlError> {
        let world = wechat.world.lock();
        world.apps.get(&self.app_id).ok_or(ControlError::Absent("such app"))?;
        world.people.find(&self.open_id).ok_or(ControlError::Absent("such person"))
    }
}

/// Every app, without its secret.
async fn list_apps(State(wechat): State<Arc<WeChat>>) -> Json<Value> {
    let state = wechat.world.lock();
    let apps = state
        .apps
        .iter()
        .map(|app| json!({"app_id": app.app_id, "name": app.name, "enabled": app.enabled, "bound": app.installed}));
    Json(apps.collect())
}

/// Adds or changes an app. `installed` says whether it is bound to an account of the open platform, and so tells a `unionid`.
async fn put_app(State(wechat): State<Arc<WeChat>>, Json(spec): Json<AppSpec>) -> Json<Value> {
    let app_id = spec.app_id.clone();
    let mut state = wechat.world.lock();
    state.people.know_app(&app_id);
    let new = state.apps.put(spec, &wechat.tenant_key);
    // The secret of a new app is told once, since it may have been made up.
    let secret = state.apps.get(&app_id).filter(|_| new).map(|app| app.secret.clone());
    Json(json!({"app_id": app_id, "secret": secret}))
}

/// The person's client calls `wx.login`.
async fn login(State(wechat): State<Arc<WeChat>>, Json(body): Json<Whose>) -> Result<Json<Value>, ControlError> {
    let person = body.person(&wechat)?;
    Ok(Json(json!({"code": phone::login(&wechat, &body.app_id, person)})))
}

/// The person taps the phone-number button.
async fn phone_code(State(wechat): State<Arc<WeChat>>, Json(body): Json<Whose>) -> Result<Json<Value>, ControlError> {
    let person = body.person(&wechat)?;
    Ok(Json(json!({"code": phone::phone_number(&wechat, &body.app_id, person)})))
}

#[derive(Deserialize)]
struct UserInfoBody {
    #[serde(flatten)]
    whose: HashMap<String, String>,
    #[serde(default)]
    wrong: Wrong,
}

/// The person's client calls `wx.getUserInfo`; `wrong` says what is wrong with what it gives.
async fn user_info(
    State(wechat): State<Arc<WeChat>>,
    Json(body): Json<UserInfoBody>,
) -> Result<Json<Value>, ControlError> {
    let named = |name: &str| body.whose.get(name).cloned();
    let app_id = named("app_id").unwrap_or_else(default_app);
    let whose = Whose { open_id: named("open_id").unwrap_or_default(), app_id };
    let person = whose.person(&wechat)?;
    let given = phone::user_info(&wechat, &whose.app_id, person, &body.wrong);
    given.map(Json).ok_or(ControlError::Absent("session of this person"))
}

/// The mini-program's service takes the next login of the page; 204 if none comes within `wait` seconds.
async fn take_login(State(wechat): State<Arc<WeChat>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let seconds = query.get("wait").and_then(|text| text.parse().ok()).unwrap_or_default();
    let wait = Duration::from_secs(LONGEST_WAIT_S.min(seconds));
    match tokio::time::timeout(wait, wechat.desk.take()).await {
        Ok(login) => Json(login).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The mini-program's service answers a login with the gateway's `{status, body}`.
async fn answer_login(State(wechat): State<Arc<WeChat>>, Path(id): Path<u64>, Json(answer): Json<Value>) -> StatusCode {
    wechat.desk.answer(id, answer);
    StatusCode::NO_CONTENT
}

/// Every token of an app (`?app_id=`) dies, as when its secret was changed.
async fn kill_tokens(State(wechat): State<Arc<WeChat>>, Query(query): Query<HashMap<String, String>>) -> StatusCode {
    wechat.state().tokens.kill(query.get("app_id").map_or(WECHAT_APP_ID, String::as_str));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressBody {
    refused: bool,
}

/// Takes the caller's address off the app's list of allowed ones, or puts it back.
async fn address(State(wechat): State<Arc<WeChat>>, Json(body): Json<AddressBody>) -> StatusCode {
    wechat.address_refused.store(body.refused, Ordering::Release);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitsBody {
    enabled: bool,
}

/// Enforces the limits, or not.
async fn rate_limits(State(wechat): State<Arc<WeChat>>, Json(body): Json<RateLimitsBody>) -> StatusCode {
    wechat.limits.enable(body.enabled);
    StatusCode::NO_CONTENT
}
