//! `grant_type=authorization_code`: a code becomes tokens, once.

use serde_json::Value;

use super::issue::{self, Pair};
use super::{Client, Problem, Version, pkce, required};
use crate::feishu::Feishu;
use crate::params::Params;
use crate::world::State;

/// Checks everything, then spends the code. A refused exchange leaves the code as it was.
pub(super) fn exchange(
    feishu: &Feishu,
    state: &mut State,
    client: &Client,
    params: &Params,
    version: Version,
) -> Result<Value, Problem> {
    let text = required(params, "code")?;
    let code = state.grants.code(text).cloned().ok_or(Problem::CodeNotFound)?;
    let now_ms = feishu.clock.now_ms();
    if code.app_id != client.app.app_id {
        return Err(Problem::OtherApp);
    }
    if code.used {
        return Err(Problem::CodeUsed);
    }
    if code.expires_ms <= now_ms {
        return Err(Problem::CodeExpired);
    }
    if params.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(Problem::RedirectDiffers);
    }
    if !client.authenticated && code.challenge.is_none() {
        return Err(Problem::Missing("client_secret"));
    }
    pkce::check(code.challenge.as_ref(), params.get("code_verifier"), version)?;
    issue::check_person(state, code.person, &code.app_id)?;
    let consented = state.grants.consented(&code.app_id, code.person);
    let scopes = issue::narrowed(consented, params)?;
    if let Some(code) = state.grants.code_mut(text) {
        code.used = true;
    }
    let refreshable = issue::is_offline(&scopes);
    let chain = state.tokens.begin_chain();
    let pair = Pair { app_id: code.app_id, person: code.person, chain, consented_ms: now_ms, scopes, refreshable };
    Ok(issue::pair(feishu, state, pair))
}
