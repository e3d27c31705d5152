//! `POST /wxa/business/getuserphonenumber`: a code of the phone-number button becomes the number. It is not a login code.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use serde_json::json;

use super::refusal::{Plain, Refusal};
use super::state::Kind;
use super::{WeChat, app_token, login};
use crate::params::Params;

/// The handler.
pub async fn get(State(wechat): State<Arc<WeChat>>, RawQuery(query): RawQuery, body: Bytes) -> Result<Plain, Refusal> {
    let (query, params) = (Params::from_form(query.as_deref().unwrap_or_default()), Params::read(&body));
    let app_id = app_token::app_of(&wechat, query.get("access_token"))?;
    let code = params.get("code").ok_or_else(|| Refusal::new(40_029, "invalid code"))?;
    let now_ms = wechat.clock.now_ms();
    let world = wechat.world.lock();
    let mut state = wechat.state();
    let id = state.look(Kind::PhoneNumber, code, &app_id, now_ms).map_err(login::bad_code)?;
    let person = world.people.get(id);
    if params.get("openid").is_some_and(|openid| openid != person.open_id_for(&app_id)) {
        return Err(Refusal::new(40_029, "invalid code"));
    }
    state.spend(code);
    let pure = person.mobile.trim_start_matches("+86");
    Ok(Plain(json!({
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": format!("+86{pure}"),
            "purePhoneNumber": pure,
            // The documentation's example has a number here, its table a text.
            "countryCode": 86,
            "watermark": {"timestamp": now_ms / 1000, "appid": app_id},
        },
    })))
}
