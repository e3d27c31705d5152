//! The routes that are the same at every platform: faults, the log, the judge, people, what they granted, the clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use crate::faults::{Armed, Rule};
use crate::journal::Entry;
use crate::judge::{ChainVerdict, Verdict};
use crate::options::PersonSpec;
use crate::site::Site;

type Asked = Query<HashMap<String, String>>;

/// The routes.
pub(super) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/release", post(release))
        .route("/log", get(log).delete(forget))
        .route("/judge", get(judge).delete(acquit))
        .route("/grants", get(grants))
        .route("/people", get(people).post(put_person))
        .route("/clock", post(clock))
        .with_state(site)
}

/// Requests to the platform.
async fn log(State(site): State<Arc<Site>>, Query(query): Asked) -> Json<Vec<Entry>> {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
    let same = |name: &str, is: Option<&str>| query.get(name).is_none_or(|wanted| is == Some(wanted.as_str()));
    let wanted = |entry: &Entry| {
        same("api", Some(&entry.call.api))
            && same("open_id", entry.call.open_id.as_deref())
            && same("app_id", entry.call.app_id.as_deref())
            && same("grant_type", entry.call.grant_type.as_deref())
    };
    let mut entries = site.journal.read(number("after").unwrap_or_default(), wanted);
    entries.truncate(number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX));
    Json(entries)
}

/// What the judge says; `settled=true` waits until nothing is under way, `remarkable=true` leaves out the chains of which
/// there is nothing to say.
async fn judge(State(site): State<Arc<Site>>, Query(query): Asked) -> Json<Verdict> {
    let is = |name: &str| query.get(name).is_some_and(|value| value == "true");
    let mut verdict = if is("settled") { site.judge_settled().await } else { site.judge() };
    if is("remarkable") {
        verdict.chains.retain(ChainVerdict::is_remarkable);
    }
    Json(verdict)
}

/// Lets the judge forget all requests so far.
async fn acquit(State(site): State<Arc<Site>>) -> StatusCode {
    site.world.lock().tokens.log_mut().forget();
    StatusCode::NO_CONTENT
}

/// Forgets the requests.
async fn forget(State(site): State<Arc<Site>>) -> StatusCode {
    site.journal.clear();
    StatusCode::NO_CONTENT
}

/// What a person has granted an app.
async fn grants(State(site): State<Arc<Site>>, Query(query): Asked) -> Result<Json<Value>, ControlError> {
    let open_id = query.get("open_id").map_or("", String::as_str);
    let app_id = query.get("app_id").map_or(site.default_app_id.as_str(), String::as_str);
    let now_ms = site.clock.now_ms();
    let state = site.world.lock();
    let person = state.people.find(open_id).ok_or(ControlError::Absent("such person"))?;
    Ok(Json(json!({
        "scopes": state.grants.consented(app_id, person),
        "live_access_tokens": state.tokens.live_access(app_id, person, now_ms),
        "live_refresh_tokens": state.tokens.live_refresh(app_id, person, now_ms),
    })))
}

/// Everybody, with the id that each app knows.
async fn people(State(site): State<Arc<Site>>) -> Json<Value> {
    let state = site.world.lock();
    let ids = |person: &crate::world::people::Person| -> HashMap<String, String> {
        state.apps.iter().map(|app| (app.app_id.clone(), person.open_id_for(&app.app_id))).collect()
    };
    let people = state.people.iter().map(|person| {
        json!({
            "open_id": person.open_id, "union_id": person.union_id, "name": person.name, "locale": person.locale,
            "tenant_key": person.tenant_key, "available": person.available, "resigned": person.resigned,
            "frozen": person.frozen, "exited": person.exited, "unregistered": person.unregistered,
            "removed": person.removed, "open_ids": ids(person),
        })
    });
    Json(people.collect())
}

/// Adds or changes a person.
async fn put_person(State(site): State<Arc<Site>>, Json(spec): Json<PersonSpec>) -> Json<Value> {
    let mut state = site.world.lock();
    let id = state.people.put(spec, &site.tenant_key);
    Json(json!({"open_id": state.people.get(id).open_id}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    #[serde(default)]
    advance_ms: u64,
    frozen: Option<bool>,
}

/// Moves the clock ahead, stops it, lets it run; tells the time.
async fn clock(State(site): State<Arc<Site>>, Json(body): Json<ClockBody>) -> Json<Value> {
    let clock = &site.clock;
    if let Some(frozen) = body.frozen {
        clock.freeze(frozen);
    }
    clock.advance(Duration::from_millis(body.advance_ms));
    Json(json!({"now_ms": clock.now_ms()}))
}

async fn list_faults(State(site): State<Arc<Site>>) -> Json<Vec<Armed>> {
    Json(site.faults.list())
}

async fn add_fault(State(site): State<Arc<Site>>, Json(rule): Json<Rule>) -> Result<StatusCode, ControlError> {
    let mut rule = rule;
    // Requests are written down under the default app's id of the person; the rule may use any app's.
    if let Some(open_id) = &mut rule.matches.open_id {
        let state = site.world.lock();
        let person = state.people.find(open_id).ok_or(ControlError::Absent("such person"))?;
        state.people.get(person).open_id.clone_into(open_id);
    }
    site.faults.add(rule).map_err(|error| ControlError::Wrong(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(site): State<Arc<Site>>) -> StatusCode {
    site.faults.clear();
    StatusCode::NO_CONTENT
}

async fn release(State(site): State<Arc<Site>>) -> StatusCode {
    site.faults.release();
    StatusCode::NO_CONTENT
}
