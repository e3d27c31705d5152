//! The control API of the DingTalk simulator, under `/dingtalk/control/`. People are named by any of their ids, apps by client id.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::drive::Decision;
use super::{ControlError, dingtalk_stream, site, streams};
use crate::chat;
use crate::dingtalk::click::{self, Tap};
use crate::dingtalk::{DingTalk, authorize, person, robot};
use crate::options::{AppSpec, DINGTALK_CLIENT_ID};
use crate::params::Params;
use crate::random;
use crate::sandbox::Ground;
use crate::world::grants::Code;
use crate::world::people::PersonId;

/// What the routes work on.
#[derive(Clone)]
pub(super) struct Control {
    pub(super) dingtalk: Arc<DingTalk>,
    ground: Arc<Ground>,
}

fn default_app() -> String {
    DINGTALK_CLIENT_ID.to_owned()
}

/// All routes.
pub fn router(dingtalk: Arc<DingTalk>, ground: Arc<Ground>) -> Router {
    let common = site::router(Arc::clone(&dingtalk.site));
    let own = Router::new()
        .route("/apps", get(list_apps).post(put_app))
        .route("/templates", post(put_template))
        .route("/code", post(code))
        .route("/consent", post(consent))
        .route("/revoke", post(revoke))
        .route("/push", post(push))
        .route("/say", post(say))
        .route("/tap", post(tap))
        .route("/messages", get(messages))
        .route("/rate_limits", post(rate_limits))
        .merge(streams::router())
        .merge(dingtalk_stream::router())
        .with_state(Control { dingtalk, ground });
    Router::new().nest("/dingtalk/control", common.merge(own))
}

fn person_of(control: &Control, id: &str) -> Result<PersonId, ControlError> {
    person::find_any(&control.dingtalk.world.lock(), id).ok_or(ControlError::Absent("such person"))
}

/// Every app, without its secret.
async fn list_apps(State(control): State<Control>) -> Json<Value> {
    let state = control.dingtalk.world.lock();
    let apps = state.apps.iter().map(|app| {
        json!({
            "app_id": app.app_id, "name": app.name, "corp_id": app.tenant_key, "enabled": app.enabled,
            "refresh_mode": app.refresh_mode, "scopes": app.scopes, "redirect_uris": app.redirect_uris,
        })
    });
    Json(apps.collect())
}

/// Adds or changes an app; a new one gets its own long connection.
async fn put_app(State(control): State<Control>, Json(spec): Json<AppSpec>) -> Result<Json<Value>, ControlError> {
    let client_id = spec.app_id.clone();
    let secret = {
        let mut state = control.dingtalk.world.lock();
        state.people.know_app(&client_id);
        let new = state.apps.put(spec, &control.dingtalk.tenant_key);
        state.apps.get(&client_id).filter(|_| new).map(|app| app.secret.clone())
    };
    control.ground.open_dingtalk_stream(&control.dingtalk, &client_id).await?;
    // The secret of a new app is told once, since it may have been made up.
    Ok(Json(json!({"app_id": client_id, "secret": secret})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateBody {
    id: String,
    published: bool,
}

/// Publishes a card template, or takes it back.
async fn put_template(State(control): State<Control>, Json(body): Json<TemplateBody>) -> StatusCode {
    control.dingtalk.cards().put_template(&body.id, body.published);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default = "default_scope")]
    scope: String,
}

fn default_scope() -> String {
    "openid corpid".to_owned()
}

/// Issues a code as the authorize page would.
async fn code(State(control): State<Control>, Json(body): Json<CodeBody>) -> Result<Json<Value>, ControlError> {
    let person = person_of(&control, &body.open_id)?;
    let expires_ms = control.dingtalk.clock.now_ms() + control.dingtalk.lifetimes.code_s * 1000;
    let mut state = control.dingtalk.world.lock();
    if state.apps.get(&body.app_id).is_none() {
        return Err(ControlError::Absent("such app"));
    }
    state.grants.consent(&body.app_id, person, body.scope.split_whitespace().map(str::to_owned));
    let (app_id, redirect_uri) = (body.app_id, body.redirect_uri);
    let code = Code { app_id, person, redirect_uri, challenge: None, expires_ms, used: false };
    Ok(Json(json!({"code": state.grants.issue_code(code)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentBody {
    authorize_url: String,
    open_id: String,
    #[serde(default)]
    decision: Decision,
}

/// Decides at the authorize page.
async fn consent(State(control): State<Control>, Json(body): Json<ConsentBody>) -> Result<Json<Value>, ControlError> {
    let url = Url::parse(&body.authorize_url).map_err(|error| ControlError::Wrong(error.to_string()))?;
    let params = Params::from_form(url.query().unwrap_or_default());
    let allow = body.decision == Decision::Allow;
    let location = authorize::location(&control.dingtalk, &params, &body.open_id, allow)?;
    Ok(Json(json!({"location": location})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
}

/// Kills a person's tokens and consents at one app. The platform tells nobody.
async fn revoke(State(control): State<Control>, Json(body): Json<RevokeBody>) -> Result<Json<Value>, ControlError> {
    let person = person_of(&control, &body.open_id)?;
    let mut state = control.dingtalk.world.lock();
    state.grants.forget(&body.app_id, person);
    let died = state.tokens.revoke(|app, who, _| app == body.app_id && who == person);
    Ok(Json(json!({"died": died})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushBody {
    #[serde(default = "default_app")]
    app_id: String,
    /// An event of this type …
    event_type: Option<String>,
    /// … with this id, made up when left out …
    event_id: Option<String>,
    /// … or a callback of this topic, which nobody waits for.
    topic: Option<String>,
    #[serde(default)]
    event: Value,
}

/// Pushes an event or a callback.
async fn push(State(control): State<Control>, Json(body): Json<PushBody>) -> Result<Json<Value>, ControlError> {
    let stream = control.dingtalk.stream(&body.app_id).ok_or(ControlError::Absent("such app"))?;
    let id = body.event_id.unwrap_or_else(|| random::hex(32));
    let heard = match (&body.event_type, &body.topic) {
        (Some(event_type), None) => {
            stream.push_event(&id, event_type, &body.event);
            None
        }
        (None, Some(topic)) => Some(stream.tell(topic, &id, &body.event)),
        _ => return Err(ControlError::Wrong("give either event_type or topic".to_owned())),
    };
    Ok(Json(json!({"event_id": id, "heard": heard})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SayBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
    text: String,
    #[serde(default)]
    group: bool,
}

/// A person writes to a robot; `heard` says whether anybody was connected.
async fn say(State(control): State<Control>, Json(body): Json<SayBody>) -> Result<Json<Value>, ControlError> {
    let person = person_of(&control, &body.open_id)?;
    let said = robot::say(&control.dingtalk, person, &body.app_id, &body.text, body.group);
    let (message_id, heard) = said.ok_or(ControlError::Absent("such app"))?;
    Ok(Json(json!({"message_id": message_id, "heard": heard})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TapBody {
    open_id: String,
    /// The `outTrackId`, or the id of the message.
    message_id: String,
    action_ids: Vec<String>,
    #[serde(default)]
    params: Value,
}

/// A person taps a card.
async fn tap(State(control): State<Control>, Json(body): Json<TapBody>) -> Result<Json<Value>, ControlError> {
    let person = person_of(&control, &body.open_id)?;
    let tap = Tap { person, card: body.message_id, action_ids: body.action_ids, params: body.params };
    Ok(Json(match click::tap(&control.dingtalk, &tap).await {
        Ok(()) => json!({"error": null}),
        Err(error) => json!({"error": {"code": error.code(), "text": error.to_string()}}),
    }))
}

#[derive(Deserialize)]
struct Asked {
    open_id: String,
}

/// A person's messages, all of them.
async fn messages(State(control): State<Control>, Query(asked): Query<Asked>) -> Result<Json<Value>, ControlError> {
    let person = person_of(&control, &asked.open_id)?;
    let (version, messages) = chat::changed(&control.dingtalk, person, 0);
    Ok(Json(json!({"version": version, "messages": messages})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitsBody {
    enabled: bool,
}

/// Enforces the limits, or not.
async fn rate_limits(State(control): State<Control>, Json(body): Json<RateLimitsBody>) -> StatusCode {
    control.dingtalk.limits.enable(body.enabled);
    StatusCode::NO_CONTENT
}
