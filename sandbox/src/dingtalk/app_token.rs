//! App tokens: three interfaces of the new kind and `GET /gettoken`. The same token comes back while at least half an hour of it is
//! left.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use super::DingTalk;
use super::refusal::Refusal;
use crate::params::Params;

/// How much of a token's life must be left for it to be given out again, in seconds.
const RENEW_S: i64 = 1800;

/// `POST /v1.0/oauth2/accessToken`.
pub async fn access_token(State(dingtalk): State<Arc<DingTalk>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let params = Params::read(&body);
    let issued = issue(&dingtalk, params.get("appKey"), params.get("appSecret"), None);
    let (token, expires_in) = issued.ok_or_else(wrong_secret)?;
    Ok(Json(json!({"accessToken": token, "expireIn": expires_in})))
}

/// `POST /v1.0/oauth2/{corpId}/token`.
pub async fn corp_token(
    State(dingtalk): State<Arc<DingTalk>>,
    Path(corp_id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let params = Params::read(&body);
    if params.get("grant_type") != Some("client_credentials") {
        return Err(Refusal::bad("invalidParameter.grantType", "grant_type must be client_credentials"));
    }
    let issued = issue(&dingtalk, params.get("client_id"), params.get("client_secret"), Some(&corp_id));
    let (token, expires_in) = issued.ok_or_else(wrong_secret)?;
    Ok(Json(json!({"access_token": token, "expires_in": expires_in})))
}

/// `POST /v1.0/oauth2/corpAccessToken`: of an app that others made, for an organisation where it is installed. Any ticket will do,
/// as for apps that are made for one organisation.
pub async fn corp_access_token(State(dingtalk): State<Arc<DingTalk>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let params = Params::read(&body);
    if params.get("suiteTicket").is_none_or(str::is_empty) {
        return Err(Refusal::bad("invalidParameter.suiteTicket", "suiteTicket is empty"));
    }
    let corp_id = params.get("authCorpId").unwrap_or_default();
    let issued = issue(&dingtalk, params.get("suiteKey"), params.get("suiteSecret"), Some(corp_id));
    let (token, expires_in) = issued.ok_or_else(wrong_secret)?;
    Ok(Json(json!({"accessToken": token, "expireIn": expires_in})))
}

/// `GET /gettoken`.
pub async fn old(State(dingtalk): State<Arc<DingTalk>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Refusal> {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let issued = issue(&dingtalk, params.get("appkey"), params.get("appsecret"), None);
    let (token, expires_in) = issued.ok_or_else(|| Refusal::old(40_089, "不合法的corpid或corpsecret"))?;
    Ok(Json(json!({"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": expires_in})))
}

/// The refusal of a wrong id or secret.
#[must_use]
pub fn wrong_secret() -> Refusal {
    Refusal::bad("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
}

fn issue(
    dingtalk: &DingTalk,
    client_id: Option<&str>,
    secret: Option<&str>,
    corp_id: Option<&str>,
) -> Option<(String, i64)> {
    let mut state = dingtalk.world.lock();
    let app = state.apps.get(client_id?).filter(|app| app.enabled && Some(app.secret.as_str()) == secret)?;
    let client_id = app.app_id.clone();
    if corp_id.is_some_and(|corp_id| corp_id != app.tenant_key) {
        return None;
    }
    let (now_ms, life_s) = (dingtalk.clock.now_ms(), dingtalk.lifetimes.tenant_token_s);
    // A lifetime set shorter than the window would renew at every call.
    let renew_s = RENEW_S.min(life_s / 4);
    let (token, expires_ms) = state.tokens.tenant(&client_id, now_ms, life_s * 1000, renew_s * 1000);
    Some((token, (expires_ms - now_ms) / 1000))
}
