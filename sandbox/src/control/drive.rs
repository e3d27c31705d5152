//! The routes that act for people (consents, taps, words) and push events.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Control, ControlError};
use crate::feishu::click::{self, Tap};
use crate::feishu::{authorize, device as device_page, events, scopes};
use crate::options::DEFAULT_APP_ID;
use crate::params::Params;
use crate::world::grants::Code;
use crate::world::people::PersonId;

pub(super) fn default_app() -> String {
    DEFAULT_APP_ID.to_owned()
}

/// A person's decision; allowed unless it says otherwise.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    #[default]
    Allow,
    Deny,
}

pub(super) fn person(control: &Control, open_id: &str) -> Result<PersonId, ControlError> {
    control.feishu.world.lock().people.find(open_id).ok_or(ControlError::Absent("such person"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// Issues a code as the authorize page would.
pub(super) async fn code(
    State(control): State<Control>,
    Json(body): Json<CodeBody>,
) -> Result<Json<Value>, ControlError> {
    let person = person(&control, &body.open_id)?;
    let challenge = authorize::challenge(body.code_challenge.as_deref(), body.code_challenge_method.as_deref())?;
    let expires_ms = control.feishu.clock.now_ms() + control.feishu.lifetimes.code_s * 1000;
    let mut state = control.feishu.world.lock();
    if state.apps.get(&body.app_id).is_none() {
        return Err(ControlError::Absent("such app"));
    }
    state.grants.consent(&body.app_id, person, scopes::split(&body.scope));
    let code = state.grants.issue_code(Code {
        app_id: body.app_id,
        person,
        redirect_uri: body.redirect_uri,
        challenge,
        expires_ms,
        used: false,
    });
    Ok(Json(json!({"code": code})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsentBody {
    authorize_url: String,
    open_id: String,
    #[serde(default)]
    decision: Decision,
}

/// Decides at the authorize page.
pub(super) async fn consent(
    State(control): State<Control>,
    Json(body): Json<ConsentBody>,
) -> Result<Json<Value>, ControlError> {
    let url = Url::parse(&body.authorize_url).map_err(|error| ControlError::Wrong(error.to_string()))?;
    let params = Params::from_form(url.query().unwrap_or_default());
    let allow = body.decision == Decision::Allow;
    let location = authorize::location(&control.feishu, &params, &body.open_id, allow)?;
    Ok(Json(json!({"location": location})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceBody {
    user_code: String,
    open_id: String,
    #[serde(default)]
    decision: Decision,
}

/// Decides at the device page.
pub(super) async fn device(
    State(control): State<Control>,
    Json(body): Json<DeviceBody>,
) -> Result<StatusCode, ControlError> {
    let allow = body.decision == Decision::Allow;
    device_page::settle(&control.feishu, &body.user_code, &body.open_id, allow)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushBody {
    #[serde(default = "default_app")]
    app_id: String,
    /// A whole envelope, sent as it is …
    envelope: Option<Value>,
    /// … or a type and the event, for which an envelope is made.
    event_type: Option<String>,
    #[serde(default)]
    event: Value,
}

/// Pushes an event.
pub(super) async fn push(
    State(control): State<Control>,
    Json(body): Json<PushBody>,
) -> Result<Json<Value>, ControlError> {
    let event_id = match (body.envelope, body.event_type) {
        (Some(envelope), None) => {
            let stream = control.feishu.stream(&body.app_id).ok_or(ControlError::Absent("such app"))?;
            stream.push_event(envelope).await
        }
        (None, Some(event_type)) => events::push(&control.feishu, &body.app_id, &event_type, &body.event)
            .await
            .ok_or(ControlError::Absent("such app"))?,
        _ => {
            return Err(ControlError::Wrong("give either envelope or event_type".to_owned()));
        }
    };
    Ok(Json(json!({"event_id": event_id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SayBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
    text: String,
}

/// A person writes to a bot.
pub(super) async fn say(
    State(control): State<Control>,
    Json(body): Json<SayBody>,
) -> Result<Json<Value>, ControlError> {
    let person = person(&control, &body.open_id)?;
    let event_id = click::say(&control.feishu, person, &body.app_id, &body.text).await;
    Ok(Json(json!({"event_id": event_id.ok_or(ControlError::Absent("such app"))?})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TapBody {
    open_id: String,
    message_id: String,
    action: Value,
}

/// A person taps a card.
pub(super) async fn tap(
    State(control): State<Control>,
    Json(body): Json<TapBody>,
) -> Result<Json<Value>, ControlError> {
    let person = person(&control, &body.open_id)?;
    let tap = Tap { person, message_id: body.message_id, action: body.action };
    let (toast, error) = match click::tap(&control.feishu, &tap).await {
        Ok(toast) => (toast, None),
        Err(error) => (None, Some(json!({"code": error.code, "text": error.text}))),
    };
    Ok(Json(json!({"toast": toast, "error": error})))
}
