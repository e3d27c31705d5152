//! `GET /v1.0/contact/users/{unionId}` with a person's token, where `me` is who they are, and `topapi/user/getbyunionid`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{DingTalk, bearer, person, throttle};
use crate::params::Params;
use crate::world::tokens::Owner;

/// Tells the person's names; the number and address only to an app with the permission. The `userId` is never told.
pub async fn get(
    State(dingtalk): State<Arc<DingTalk>>,
    Path(union_id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let state = dingtalk.world.lock();
    let (id, app) = bearer::user(&dingtalk, &state, &headers, "Contact.User.Read")?;
    throttle::count(&dingtalk, "user_info", &app.app_id)?;
    let person = state.people.get(id);
    if union_id != "me" && union_id != person::union_id(person) {
        return Err(Refusal::no_permission("Contact.User.Read"));
    }
    if person.barred() || person.removed {
        return Err(Refusal::no_permission("openid"));
    }
    let mut answer = json!({
        "nick": person.name,
        "avatarUrl": format!("https://sandbox.invalid/avatar/{}.png", person.user_id),
        "openId": person.open_id_for(&app.app_id),
        "unionId": person::union_id(person),
        "stateCode": "86",
    });
    if app.may_ask("Contact.User.mobile") {
        answer["mobile"] = json!(person.mobile.trim_start_matches("+86"));
        answer["email"] = json!(person.email);
    }
    Ok(Json(answer))
}

/// The `userId` of a `unionId`, for an app.
pub async fn by_union_id(
    State(dingtalk): State<Arc<DingTalk>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let (query, params) = (Params::from_form(query.as_deref().unwrap_or_default()), Params::read(&body));
    let state = dingtalk.world.lock();
    let token = query.get("access_token").and_then(|text| state.tokens.access(text));
    let live = token.filter(|token| token.owner == Owner::Tenant && token.expires_ms > dingtalk.clock.now_ms());
    live.ok_or_else(|| Refusal::old(40_014, "不合法的access_token"))?;
    let union_id = params.get("unionid").unwrap_or_default();
    let id = person::find(&state, union_id, 2).ok_or_else(|| Refusal::old(60_121, "找不到该用户"))?;
    let result = json!({"contact_type": 0, "userid": state.people.get(id).user_id});
    Ok(Json(json!({"errcode": 0, "errmsg": "ok", "result": result})))
}
