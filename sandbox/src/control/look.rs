//! The routes that only look.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Control, ControlError};
use crate::chat;
use crate::journal::Entry;
use crate::judge::{ChainVerdict, Verdict};
use crate::options::DEFAULT_APP_ID;

type Asked = Query<HashMap<String, String>>;

/// Requests to the platform.
pub(super) async fn log(State(control): State<Control>, Query(query): Asked) -> Json<Vec<Entry>> {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
    let same = |name: &str, is: Option<&str>| query.get(name).is_none_or(|wanted| is == Some(wanted.as_str()));
    let wanted = |entry: &Entry| {
        same("api", Some(&entry.call.api))
            && same("open_id", entry.call.open_id.as_deref())
            && same("app_id", entry.call.app_id.as_deref())
            && same("grant_type", entry.call.grant_type.as_deref())
    };
    let mut entries = control.feishu.journal.read(number("after").unwrap_or_default(), wanted);
    entries.truncate(number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX));
    Json(entries)
}

/// What the judge says; `settled=true` waits until nothing is under way, `remarkable=true` leaves out the chains of which
/// there is nothing to say.
pub(super) async fn judge(State(control): State<Control>, Query(query): Asked) -> Json<Verdict> {
    let is = |name: &str| query.get(name).is_some_and(|value| value == "true");
    let feishu = &control.feishu;
    let mut verdict = if is("settled") { feishu.judge_settled().await } else { feishu.judge() };
    if is("remarkable") {
        verdict.chains.retain(ChainVerdict::is_remarkable);
    }
    Json(verdict)
}

/// Lets the judge forget all requests so far.
pub(super) async fn acquit(State(control): State<Control>) -> StatusCode {
    control.feishu.world.lock().tokens.log_mut().forget();
    StatusCode::NO_CONTENT
}

/// Forgets the requests.
pub(super) async fn forget(State(control): State<Control>) -> StatusCode {
    control.feishu.journal.clear();
    StatusCode::NO_CONTENT
}

/// A person's messages, all of them.
pub(super) async fn messages(State(control): State<Control>, Query(query): Asked) -> Result<Json<Value>, ControlError> {
    let open_id = query.get("open_id").map_or("", String::as_str);
    let person = control.feishu.world.lock().people.find(open_id).ok_or(ControlError::Absent("such person"))?;
    let (version, messages) = chat::changed(&control.feishu, person, 0);
    Ok(Json(json!({"version": version, "messages": messages})))
}

/// What a person has granted an app.
pub(super) async fn grants(State(control): State<Control>, Query(query): Asked) -> Result<Json<Value>, ControlError> {
    let open_id = query.get("open_id").map_or("", String::as_str);
    let app_id = query.get("app_id").map_or(DEFAULT_APP_ID, String::as_str);
    let now_ms = control.feishu.clock.now_ms();
    let state = control.feishu.world.lock();
    let person = state.people.find(open_id).ok_or(ControlError::Absent("such person"))?;
    Ok(Json(json!({
        "scopes": state.grants.consented(app_id, person),
        "live_access_tokens": state.tokens.live_access(app_id, person, now_ms),
        "live_refresh_tokens": state.tokens.live_refresh(app_id, person, now_ms),
    })))
}

/// Everybody, with the id that each app knows.
pub(super) async fn people(State(control): State<Control>) -> Json<Value> {
    let state = control.feishu.world.lock();
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
