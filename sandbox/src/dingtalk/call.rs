//! Reads off a request what it is about, for the journal and the fault rules. It decides nothing.

use std::collections::BTreeMap;

use axum::http::Method;
use axum::http::request::Parts;
use serde_json::Value;

use super::{bearer, person};
use crate::journal::Call;
use crate::params::Params;
use crate::random::fingerprint;
use crate::site::Site;
use crate::world::State;
use crate::world::people::PersonId;
use crate::world::tokens::Owner;

/// Request fields that hold a secret, with the names under which their fingerprints are written down: those of every platform.
const SENT: [(&str, &str); 2] = [("code", "code"), ("refreshToken", "refresh_token")];
/// The same for answers.
const ISSUED: [(&str, &str); 4] = [
    ("accessToken", "access_token"),
    ("refreshToken", "refresh_token"),
    ("access_token", "access_token"),
    ("ticket", "ticket"),
];
/// Fields that name the app.
const APP: [&str; 6] = ["clientId", "client_id", "appKey", "appkey", "suiteKey", "robotCode"];

/// What the request is about.
#[must_use]
pub fn read(site: &Site, parts: &Parts, body: &[u8]) -> Call {
    let path = parts.uri.path();
    let mut params = Params::read(body);
    if parts.method == Method::GET {
        params = Params::from_form(parts.uri.query().unwrap_or_default());
    }
    let bearer = parts.headers.get(bearer::HEADER).and_then(|value| value.to_str().ok());
    let state = site.world.lock();
    let token = bearer.and_then(|text| state.tokens.access(text));
    let token_person = token.and_then(|token| match token.owner {
        Owner::Person(person, _) => Some(person),
        Owner::Tenant => None,
    });
    let subject = subject(&state, &params).or(token_person);
    let app_id = APP.iter().find_map(|name| params.get(name)).map(str::to_owned);
    let mut sent = prints(&SENT, |name| params.get(name));
    sent.extend(bearer.map(|token| ("bearer".to_owned(), fingerprint(token))));
    Call {
        api: api(&parts.method, path).to_owned(),
        method: parts.method.to_string(),
        path: path.to_owned(),
        app_id: app_id.or_else(|| token.map(|token| token.app_id.clone())),
        open_id: subject.map(|id| state.people.get(id).open_id.clone()),
        grant_type: params.get("grantType").map(str::to_owned),
        sent,
    }
}

/// Fingerprints of the secrets in an answer.
#[must_use]
pub fn issued(body: &Value) -> BTreeMap<String, String> {
    prints(&ISSUED, |name| body[name].as_str())
}

fn prints<'a>(names: &[(&str, &str)], value: impl Fn(&str) -> Option<&'a str>) -> BTreeMap<String, String> {
    names.iter().filter_map(|(field, name)| Some(((*name).to_owned(), fingerprint(value(field)?)))).collect()
}

fn api(method: &Method, path: &str) -> &'static str {
    match path {
        "/v1.0/gateway/connections/open" => "endpoint",
        "/oauth2/auth" => "authorize",
        "/v1.0/oauth2/userAccessToken" => "oauth_token",
        "/v1.0/oauth2/accessToken" | "/gettoken" => "app_token",
        "/v1.0/card/instances/createAndDeliver" | "/v1.0/card/instances/deliver" => "card_deliver",
        "/v1.0/card/instances" if method == Method::PUT => "card_update",
        "/v1.0/card/instances" => "card_create",
        "/v1.0/robot/oToMessages/batchSend" => "robot_send",
        "/robot/sendBySession" => "session_send",
        "/topapi/user/getbyunionid" => "user_by_union_id",
        _ if path.starts_with("/v1.0/contact/users/") => "user_info",
        _ if path.starts_with("/v1.0/oauth2/") => "app_token",
        _ => "other",
    }
}

fn subject(state: &State, params: &Params) -> Option<PersonId> {
    let by_code = || Some(state.grants.code(params.get("code")?)?.person);
    let by_refresh = || Some(state.tokens.refresh(params.get("refreshToken")?)?.person);
    let by_space = || person::find_any(state, params.get("openSpaceId")?.rsplit('.').next()?);
    let by_union = || person::find(state, params.get("unionid")?, 2);
    by_code().or_else(by_refresh).or_else(by_space).or_else(by_union)
}
