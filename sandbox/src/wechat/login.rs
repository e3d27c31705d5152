//! `GET /sns/jscode2session`: a login code becomes an `openid` and a session key.
//!
//! Only the query is read, whatever the method. A call that is refused leaves the code as it was.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use serde_json::json;

use super::WeChat;
use super::refusal::{Plain, Refusal};
use super::state::{BadCode, Kind};
use crate::limits::{MINUTE_MS, Window};
use crate::params::Params;
use crate::world::State as WorldState;
use crate::world::apps::App;
use crate::world::people::PersonId;

/// How many logins of one person pass in a minute.
const LOGINS_A_MINUTE: usize = 100;

/// The handler.
pub async fn code_to_session(State(wechat): State<Arc<WeChat>>, RawQuery(query): RawQuery) -> Result<Plain, Refusal> {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let world = wechat.world.lock();
    let app = client(&world, &params)?;
    let code = params.get("js_code").ok_or_else(|| Refusal::new(41_008, "missing code"))?;
    if params.get("grant_type") != Some("authorization_code") {
        return Err(Refusal::new(40_002, "invalid grant_type"));
    }
    let now_ms = wechat.clock.now_ms();
    let mut state = wechat.state();
    let person = state.look(Kind::Login, code, &app.app_id, now_ms).map_err(bad_code)?;
    check_person(&wechat, &world, &app, person)?;
    state.spend(code);
    let key = state.renew_session(&app.app_id, person);
    let person = world.people.get(person);
    let mut answer = json!({"session_key": key, "openid": person.open_id_for(&app.app_id)});
    // The app is bound to an account of the open platform if it is switched so.
    if app.installed {
        answer["unionid"] = json!(super::phone::union_id(person));
    }
    Ok(Plain(answer))
}

/// The app that calls, by its id and secret.
pub(super) fn client(world: &WorldState, params: &Params) -> Result<App, Refusal> {
    let id = params.get("appid").ok_or_else(|| Refusal::new(41_002, "appid missing"))?;
    let secret = params.get("secret").ok_or_else(|| Refusal::new(41_004, "appsecret missing"))?;
    let app = world.apps.get(id).filter(|app| app.enabled).ok_or_else(|| Refusal::new(40_013, "invalid appid"))?;
    if app.secret == secret { Ok(app.clone()) } else { Err(Refusal::new(40_125, "invalid appsecret")) }
}

/// The refusal of a code.
pub(super) fn bad_code(why: BadCode) -> Refusal {
    match why {
        BadCode::Unknown => Refusal::new(40_029, "invalid code"),
        BadCode::Used => Refusal::new(40_163, "code been used"),
    }
}

fn check_person(wechat: &WeChat, world: &WorldState, app: &App, id: PersonId) -> Result<(), Refusal> {
    let person = world.people.get(id);
    if !person.reachable() {
        return Err(Refusal::new(40_226, "code blocked"));
    }
    let key = format!("login {} {}", app.app_id, person.open_id);
    let window = Window { key, most: LOGINS_A_MINUTE, length_ms: MINUTE_MS };
    let counted = wechat.limits.count(&[window], wechat.clock.now_ms());
    counted.map_err(|_| Refusal::new(45_011, "api minute-quota reach limit, must slower, retry next minute"))
}
