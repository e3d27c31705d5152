//! `GET /wxa/checksession` and `GET /wxa/resetusersessionkey`: the service proves the session key that it holds.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use serde_json::json;

use super::refusal::{Plain, Refusal};
use super::{WeChat, app_token, crypt};
use crate::params::Params;
use crate::world::people::PersonId;

/// Whether the service's session key is the person's.
pub async fn check(State(wechat): State<Arc<WeChat>>, RawQuery(query): RawQuery) -> Result<Plain, Refusal> {
    proven(&wechat, query.as_deref().unwrap_or_default())?;
    Ok(Plain(json!({"errcode": 0, "errmsg": "ok"})))
}

/// The same, and the person gets another key.
pub async fn reset(State(wechat): State<Arc<WeChat>>, RawQuery(query): RawQuery) -> Result<Plain, Refusal> {
    let (app_id, person, openid) = proven(&wechat, query.as_deref().unwrap_or_default())?;
    let key = wechat.state().renew_session(&app_id, person);
    Ok(Plain(json!({"errcode": 0, "errmsg": "ok", "openid": openid, "session_key": key})))
}

fn proven(wechat: &WeChat, query: &str) -> Result<(String, PersonId, String), Refusal> {
    let params = Params::from_form(query);
    let app_id = app_token::app_of(wechat, params.get("access_token"))?;
    if params.get("sig_method") != Some("hmac_sha256") {
        return Err(Refusal::new(87_008, "invalid sig_method"));
    }
    let wrong = || Refusal::new(87_009, "invalid signature");
    let openid = params.get("openid").ok_or_else(wrong)?;
    let world = wechat.world.lock();
    let person = world.people.find(openid).filter(|id| world.people.get(*id).open_id_for(&app_id) == openid);
    let person = person.ok_or_else(wrong)?;
    let state = wechat.state();
    let key = state.session_key(&app_id, person).ok_or_else(wrong)?;
    // Both calls are without a body.
    if params.get("signature") != Some(crypt::proof(key, "").as_str()) {
        return Err(wrong());
    }
    Ok((app_id, person, openid.to_owned()))
}
