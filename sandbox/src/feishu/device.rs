//! The device flow: `POST /oauth/v1/device_authorization` for the device, `/oauth/v1/device` for the person.
//!
//! The device's polls are answered by the token endpoint. There is no public page about this flow; it follows what the
//! platform's own command line tool does.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::consent::{self, PageProblem};
use super::oauth::{Problem, authenticate};
use super::{Feishu, scopes};
use crate::pages::{self, DevicePage, DonePage};
use crate::params::Params;
use crate::viewer;
use crate::world::devices::{Device, DeviceState};

/// Path of the person's page.
const PAGE: &str = "/oauth/v1/device";

/// Begins a device authorization.
pub async fn authorization(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Response {
    match begin(&feishu, &headers, &body) {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => problem.refusal().into_response(),
    }
}

fn begin(feishu: &Feishu, headers: &HeaderMap, body: &[u8]) -> Result<Value, Problem> {
    let params = Params::read(body);
    if let Some(name) = params.malformed {
        return Err(Problem::Malformed(name));
    }
    let mut state = feishu.world.lock();
    let app = authenticate(&state, headers, &params)?.app;
    let scopes = scopes::split(params.get("scope").unwrap_or_default());
    if let Some(scope) = scopes.iter().find(|scope| !app.may_ask(scope)) {
        return Err(Problem::ScopeBeyond(scope.clone()));
    }
    let lifetimes = &feishu.lifetimes;
    let (device_code, user_code) = state.devices.issue(Device {
        app_id: app.app_id,
        scopes,
        expires_ms: feishu.clock.now_ms() + lifetimes.device_code_s * 1000,
        interval_ms: lifetimes.device_interval_s * 1000,
        polled_ms: None,
        state: DeviceState::Pending,
    });
    let page = format!("{}{PAGE}", feishu.public_url);
    Ok(json!({
        "code": 0,
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": lifetimes.device_code_s,
        "interval": lifetimes.device_interval_s,
    }))
}

/// Asks for the user code, or shows what is asked with it.
pub async fn page(State(feishu): State<Arc<Feishu>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let viewer = viewer::viewer(&feishu, &headers);
    let user_code = params.get("user_code");
    let (app_name, scopes) = match user_code.map(|code| asked(&feishu, code)).transpose() {
        Ok(asked) => asked.unwrap_or_default(),
        Err(problem) => return problem.page(viewer.lang),
    };
    let hidden = user_code.map(|code| ("user_code".to_owned(), code.to_owned()));
    viewer::html(pages::device(&DevicePage {
        app_name,
        scopes: consent::lines(&scopes),
        person: viewer.person,
        people: viewer.people,
        form_action: PAGE.to_owned(),
        hidden: hidden.into_iter().collect(),
        lang: viewer.lang,
        user_code: user_code.map(str::to_owned),
    }))
}

fn asked(feishu: &Feishu, user_code: &str) -> Result<(String, Vec<String>), PageProblem> {
    let mut state = feishu.world.lock();
    let now_ms = feishu.clock.now_ms();
    let device = state.devices.by_user_code_mut(user_code).ok_or_else(|| PageProblem::new(20003, user_code))?;
    still_open(device, user_code, now_ms)?;
    let (app_id, scopes) = (device.app_id.clone(), device.scopes.clone());
    let app = consent::asking_app(&state, &app_id, &scopes)?;
    Ok((app.name.clone(), scopes))
}

fn still_open(device: &Device, user_code: &str, now_ms: i64) -> Result<(), PageProblem> {
    if device.expires_ms <= now_ms {
        return Err(PageProblem::new(20004, user_code));
    }
    if device.state == DeviceState::Pending { Ok(()) } else { Err(PageProblem::new(20065, user_code)) }
}

/// Takes the decision.
pub async fn decide(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::read(&body);
    let allow = params.get("decision") == Some("allow");
    let user_code = params.get("user_code").unwrap_or_default();
    let lang = viewer::viewer(&feishu, &headers).lang;
    match settle(&feishu, user_code, params.get("as").unwrap_or_default(), allow) {
        Ok(()) => viewer::html(pages::done(&DonePage { approved: allow, lang })),
        Err(problem) => problem.page(lang),
    }
}

/// Writes a person's decision down.
pub fn settle(feishu: &Feishu, user_code: &str, open_id: &str, allow: bool) -> Result<(), PageProblem> {
    let (_, scopes) = asked(feishu, user_code)?;
    let mut guard = feishu.world.lock();
    let state = &mut *guard;
    let unknown = || PageProblem::new(20003, user_code);
    let app_id = state.devices.by_user_code_mut(user_code).ok_or_else(unknown)?.app_id.clone();
    let decision = if allow {
        let app = consent::asking_app(state, &app_id, &scopes)?;
        let person = consent::deciding_person(state, app, open_id)?;
        state.grants.consent(&app_id, person, scopes);
        DeviceState::Approved(person)
    } else {
        DeviceState::Denied
    };
    state.devices.by_user_code_mut(user_code).ok_or_else(unknown)?.state = decision;
    Ok(())
}
