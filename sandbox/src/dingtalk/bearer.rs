//! Who calls: an app with its own token or a person with theirs, in `x-acs-dingtalk-access-token`.

use axum::http::HeaderMap;

use super::DingTalk;
use super::refusal::Refusal;
use crate::world::State;
use crate::world::apps::App;
use crate::world::people::PersonId;
use crate::world::tokens::{AccessToken, Owner};

/// The header of the token.
pub const HEADER: &str = "x-acs-dingtalk-access-token";

/// The app whose live token this is, if it has the permission.
pub fn app(dingtalk: &DingTalk, state: &State, headers: &HeaderMap, permission: &str) -> Result<App, Refusal> {
    let token = live(dingtalk, state, headers)?;
    if token.owner != Owner::Tenant {
        return Err(Refusal::dead_token());
    }
    permitted(state, token, permission)
}

/// The person whose live token this is, and the app that they gave it to, if that has the permission.
pub fn user(
    dingtalk: &DingTalk,
    state: &State,
    headers: &HeaderMap,
    permission: &str,
) -> Result<(PersonId, App), Refusal> {
    let token = live(dingtalk, state, headers)?;
    match token.owner {
        Owner::Person(person, _) => Ok((person, permitted(state, token, permission)?)),
        Owner::Tenant => Err(Refusal::dead_token()),
    }
}

fn live<'a>(dingtalk: &DingTalk, state: &'a State, headers: &HeaderMap) -> Result<&'a AccessToken, Refusal> {
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = state.tokens.access(text).ok_or_else(Refusal::dead_token)?;
    if token.expires_ms <= dingtalk.clock.now_ms() {
        return Err(Refusal::dead_token());
    }
    // What a person took back is no longer allowed; the token itself is not called wrong.
    if token.revoked { Err(Refusal::no_permission("openid")) } else { Ok(token) }
}

fn permitted(state: &State, token: &AccessToken, permission: &str) -> Result<App, Refusal> {
    let app = state.apps.get(&token.app_id).filter(|app| app.enabled).ok_or_else(Refusal::dead_token)?;
    if app.may_ask(permission) { Ok(app.clone()) } else { Err(Refusal::no_permission(permission)) }
}
