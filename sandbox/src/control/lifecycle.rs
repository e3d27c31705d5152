//! The routes by which tokens, people and apps come to an end or back, each with the event by which the platform tells of it.
//!
//! The platform changes first and tells afterwards, as in life: whoever acts on the event finds the new state.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::drive::{default_app, person};
use super::{Control, ControlError};
use crate::feishu::{Feishu, events};
use crate::options::{AppSpec, PersonSpec};
use crate::world::people::{Person, PersonId};

/// Which of a person's tokens die.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Both,
    Access,
    Refresh,
}

impl Kind {
    /// As the event calls it.
    const fn token_type(self) -> &'static str {
        match self {
            Self::Both => events::BOTH_TOKENS,
            Self::Access => "user_access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeBody {
    open_id: String,
    #[serde(default = "default_app")]
    app_id: String,
    #[serde(default)]
    tokens: Kind,
    reason: Option<String>,
    /// Whether the event is pushed; it is unless this says no.
    #[serde(default = "yes")]
    push: bool,
}

/// Kills a person's tokens at one app; the consents too, when both kinds die.
pub(super) async fn revoke(
    State(control): State<Control>,
    Json(body): Json<RevokeBody>,
) -> Result<Json<Value>, ControlError> {
    let feishu = &control.feishu;
    let person = person(&control, &body.open_id)?;
    let (died, view) = kill(feishu, &body.app_id, person, body.tokens);
    let mut event_id = None;
    if body.push {
        let reason = body.reason.as_deref().unwrap_or("Revoked by user.");
        let event = events::revoked(&view, &body.app_id, body.tokens.token_type(), reason);
        event_id = events::push(feishu, &body.app_id, "auth.user_access_token.revoked_v4", &event).await;
    }
    Ok(Json(json!({"died": died, "event_id": event_id})))
}

fn kill(feishu: &Feishu, app_id: &str, person: PersonId, kind: Kind) -> (usize, Person) {
    let mut state = feishu.world.lock();
    let theirs = |app: &str, who: PersonId, _: u64| app == app_id && who == person;
    let died = match kind {
        Kind::Access => state.tokens.revoke_access(theirs),
        Kind::Refresh => state.tokens.revoke_refresh(theirs),
        Kind::Both => {
            state.grants.forget(app_id, person);
            state.tokens.revoke(theirs)
        }
    };
    (died, state.people.get(person).clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonStatusBody {
    open_id: String,
    frozen: Option<bool>,
    resigned: Option<bool>,
    exited: Option<bool>,
    #[serde(default = "yes")]
    push: bool,
}

/// Freezes, thaws, dismisses a person; every app of their tenant hears `contact.user.updated_v3`.
pub(super) async fn person_status(
    State(control): State<Control>,
    Json(body): Json<PersonStatusBody>,
) -> Result<Json<Value>, ControlError> {
    let spec =
        PersonSpec { frozen: body.frozen, resigned: body.resigned, exited: body.exited, ..PersonSpec::default() };
    let (before, now) = change(&control, &body.open_id, spec)?;
    let event = |app_id: &str| events::person_updated(&before, &now, app_id);
    let event_ids = if body.push {
        tell_tenant(&control.feishu, &now.tenant_key, "contact.user.updated_v3", event).await
    } else {
        BTreeMap::new()
    };
    Ok(Json(json!({"event_ids": event_ids})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DepartureBody {
    open_id: String,
    #[serde(default = "yes")]
    push: bool,
}

/// A person leaves the company; every app of their tenant hears `contact.user.deleted_v3`.
pub(super) async fn departure(
    State(control): State<Control>,
    Json(body): Json<DepartureBody>,
) -> Result<Json<Value>, ControlError> {
    let spec = PersonSpec { resigned: Some(true), ..PersonSpec::default() };
    let (_, now) = change(&control, &body.open_id, spec)?;
    let event = |app_id: &str| events::person_deleted(&now, app_id);
    let event_ids = if body.push {
        tell_tenant(&control.feishu, &now.tenant_key, "contact.user.deleted_v3", event).await
    } else {
        BTreeMap::new()
    };
    Ok(Json(json!({"event_ids": event_ids})))
}

/// The person before and after the change.
fn change(control: &Control, open_id: &str, spec: PersonSpec) -> Result<(Person, Person), ControlError> {
    let id = person(control, open_id)?;
    let mut state = control.feishu.world.lock();
    let before = state.people.get(id).clone();
    let spec = PersonSpec { open_id: Some(before.open_id.clone()), ..spec };
    state.people.put(spec, &control.feishu.tenant_key);
    Ok((before, state.people.get(id).clone()))
}

/// Pushes an event to every app of a tenant. Returns the events' ids by app.
async fn tell_tenant(
    feishu: &Feishu,
    tenant_key: &str,
    event_type: &str,
    event: impl Fn(&str) -> Value,
) -> BTreeMap<String, String> {
    let apps: Vec<String> = {
        let state = feishu.world.lock();
        state.apps.iter().filter(|app| app.tenant_key == tenant_key).map(|app| app.app_id.clone()).collect()
    };
    let mut event_ids = BTreeMap::new();
    for app_id in apps {
        if let Some(event_id) = events::push(feishu, &app_id, event_type, &event(&app_id)).await {
            event_ids.insert(app_id, event_id);
        }
    }
    event_ids
}

/// What became of an app, as `app_status_change` calls it.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum AppStatus {
    StartByTenant,
    StopByTenant,
    StopByPlatform,
}

impl AppStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::StartByTenant => "start_by_tenant",
            Self::StopByTenant => "stop_by_tenant",
            Self::StopByPlatform => "stop_by_platform",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppStatusBody {
    #[serde(default = "default_app")]
    app_id: String,
    status: AppStatus,
    #[serde(default = "yes")]
    push: bool,
}

/// Stops or starts an app, which hears `app_status_change` over the connections that it has.
pub(super) async fn app_status(
    State(control): State<Control>,
    Json(body): Json<AppStatusBody>,
) -> Result<Json<Value>, ControlError> {
    let envelope = switch(&control.feishu, &body.app_id, body.status).ok_or(ControlError::Absent("such app"))?;
    let event_id = if body.push { events::push_envelope(&control.feishu, &body.app_id, envelope).await } else { None };
    Ok(Json(json!({"event_id": event_id})))
}

/// Switches the app and gives the envelope that tells of it.
fn switch(feishu: &Feishu, app_id: &str, status: AppStatus) -> Option<Value> {
    let now_ms = feishu.clock.now_ms();
    let started = status == AppStatus::StartByTenant;
    let mut state = feishu.world.lock();
    state.apps.get(app_id)?;
    let spec = AppSpec { app_id: app_id.to_owned(), enabled: Some(started), ..AppSpec::default() };
    state.apps.put(spec, &feishu.tenant_key);
    let app = state.apps.get(app_id)?;
    let operator = state.people.iter().find(|person| person.tenant_key == app.tenant_key).filter(|_| started);
    Some(events::app_status_change(app, status.name(), operator, now_ms))
}
