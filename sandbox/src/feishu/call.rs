//! Reads off a request what it is about, for the journal and the fault rules. It decides nothing.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::journal::Call;
use crate::params::Params;
use crate::random::fingerprint;
use crate::site::Site;
use crate::world::State;
use crate::world::devices::DeviceState;
use crate::world::people::PersonId;
use crate::world::tokens::Owner;

/// Request fields that hold a secret and are written down as fingerprints.
const SENT: [&str; 4] = ["code", "refresh_token", "device_code", "token"];
/// The same for answers.
const ISSUED: [&str; 4] = ["access_token", "refresh_token", "tenant_access_token", "device_code"];

/// What the request is about.
pub fn read(site: &Site, parts: &Parts, body: &[u8]) -> Call {
    let path = parts.uri.path();
    let mut params = Params::read(body);
    if parts.method == Method::GET {
        params = Params::from_form(parts.uri.query().unwrap_or_default());
    }
    let bearer = bearer(parts);
    let state = site.world.lock();
    let (token_app, token_person) = owner(&state, bearer.unwrap_or_default());
    let person = subject(&state, path, &params).or(token_person);
    let app_id = ["client_id", "app_id", "AppID"].iter().find_map(|name| params.get(name)).map(str::to_owned);
    let mut sent = prints(SENT, |name| params.get(name));
    sent.extend(bearer.map(|token| ("bearer".to_owned(), fingerprint(token))));
    Call {
        api: api(&parts.method, path).to_owned(),
        method: parts.method.to_string(),
        path: path.to_owned(),
        app_id: app_id.or_else(|| basic(parts)).or(token_app),
        open_id: person.map(|id| state.people.get(id).open_id.clone()),
        grant_type: params.get("grant_type").map(str::to_owned),
        sent,
    }
}

/// Fingerprints of the secrets in an answer.
#[must_use]
pub fn issued(body: &Value) -> BTreeMap<String, String> {
    prints(ISSUED, |name| body[name].as_str())
}

fn prints<'a>(names: [&str; 4], value: impl Fn(&str) -> Option<&'a str>) -> BTreeMap<String, String> {
    let print = |name: &str| value(name).map(|text| (name.to_owned(), fingerprint(text)));
    names.into_iter().filter_map(print).collect()
}

fn api(method: &Method, path: &str) -> &'static str {
    match path {
        "/callback/ws/endpoint" => "endpoint",
        "/open-apis/im/v1/messages" => "messages_create",
        "/open-apis/interactive/v1/card/update" => "card_update",
        "/open-apis/authen/v1/user_info" => "user_info",
        "/open-apis/authen/v1/authorize" | "/open-apis/authen/v1/index" => "authorize",
        "/oauth/v3/token" | "/open-apis/authen/v2/oauth/token" => "oauth_token",
        "/oauth/v1/revoke" => "revoke",
        "/oauth/v1/device" => "device_page",
        _ if path.ends_with("/device_authorization") => "device_authorization",
        _ if path.starts_with("/open-apis/im/v1/messages/") && method == Method::PATCH => "messages_patch",
        _ if path.starts_with("/open-apis/auth/v3/") => "tenant_token",
        _ if path.starts_with("/open-apis/apaas/") => "apaas",
        _ => "other",
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn basic(parts: &Parts) -> Option<String> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, _)| id.to_owned())
}

fn owner(state: &State, token: &str) -> (Option<String>, Option<PersonId>) {
    match state.tokens.access(token) {
        Some(token) => match token.owner {
            Owner::Person(person, _) => (Some(token.app_id.clone()), Some(person)),
            Owner::Tenant => (Some(token.app_id.clone()), None),
        },
        None => (None, None),
    }
}

fn subject(state: &State, path: &str, params: &Params) -> Option<PersonId> {
    let by_receiver = || state.people.find(params.get("receive_id")?);
    let by_message = || Some(state.messages.get(path.rsplit('/').next()?)?.person);
    let by_code = || Some(state.grants.code(params.get("code")?)?.person);
    let by_refresh = || Some(state.tokens.refresh(params.get("refresh_token")?)?.person);
    let by_token = || {
        let token = params.get("token")?;
        owner(state, token).1.or_else(|| Some(state.tokens.refresh(token)?.person))
    };
    let by_device = || match state.devices.by_code(params.get("device_code")?)?.state {
        DeviceState::Approved(person) => Some(person),
        _ => None,
    };
    by_receiver().or_else(by_message).or_else(by_code).or_else(by_refresh).or_else(by_token).or_else(by_device)
}
