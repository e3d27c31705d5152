//! `POST /v1.0/oauth2/userAccessToken`: a code becomes a pair, a refresh token becomes the next pair.
//!
//! Every check and its effect happen under one lock, so a code or refresh token is spent exactly once however many ask at the same
//! time. What a spent refresh token still does is the app's [`RefreshMode`]; the real platform refuses it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{DingTalk, app_token, throttle};
use crate::options::RefreshMode;
use crate::params::Params;
use crate::random::fingerprint;
use crate::rotation;
use crate::world::State as WorldState;
use crate::world::apps::App;
use crate::world::people::PersonId;
use crate::world::tokens::{AccessToken, Owner, RefreshState, RefreshToken, Spent};

/// For whom a pair is made.
struct Pair {
    client_id: String,
    person: PersonId,
    chain: u64,
    consented_ms: i64,
    scopes: Vec<String>,
}

/// The handler.
pub async fn token(State(dingtalk): State<Arc<DingTalk>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let params = Params::read(&body);
    let mut state = dingtalk.world.lock();
    let app = client(&state, &params)?;
    throttle::count_token(&dingtalk, &app.app_id)?;
    match params.get("grantType") {
        Some("authorization_code") => exchange(&dingtalk, &mut state, &app, &params),
        Some("refresh_token") => rotate(&dingtalk, &mut state, &app, &params),
        _ => Err(Refusal::bad("invalidParameter.grantType", "grantType must be authorization_code or refresh_token")),
    }
    .map(Json)
}

fn client(state: &WorldState, params: &Params) -> Result<App, Refusal> {
    let named = |name| params.get(name).ok_or_else(app_token::wrong_secret);
    let app = state.apps.get(named("clientId")?).filter(|app| app.enabled).ok_or_else(app_token::wrong_secret)?;
    if app.secret == named("clientSecret")? { Ok(app.clone()) } else { Err(app_token::wrong_secret()) }
}

/// The platform says the same of codes and refresh tokens that are used, expired or unknown.
fn not_found() -> Refusal {
    Refusal::bad("invalidParameter.authCode.notFound", "不合法的临时授权码")
}

fn exchange(dingtalk: &DingTalk, state: &mut WorldState, app: &App, params: &Params) -> Result<Value, Refusal> {
    let text = params.get("code").ok_or_else(not_found)?;
    let now_ms = dingtalk.clock.now_ms();
    let fits = |used: bool, client_id: &str, expires_ms| !used && client_id == app.app_id && expires_ms > now_ms;
    let code = state.grants.code_mut(text).filter(|code| fits(code.used, &code.app_id, code.expires_ms));
    let code = code.ok_or_else(not_found)?;
    code.used = true;
    let person = code.person;
    check_person(state, person)?;
    let scopes = state.grants.consented(&app.app_id, person);
    let chain = state.tokens.begin_chain();
    let pair = Pair { client_id: app.app_id.clone(), person, chain, consented_ms: now_ms, scopes };
    Ok(issue(dingtalk, state, app, pair))
}

/// Checks everything, then rotates. A refused refresh leaves the token as it was.
fn rotate(dingtalk: &DingTalk, state: &mut WorldState, app: &App, params: &Params) -> Result<Value, Refusal> {
    let text = params.get("refreshToken").ok_or_else(not_found)?;
    let (mode, now_ms) = (app.refresh_mode, dingtalk.clock.now_ms());
    let token = state.tokens.refresh(text).filter(|token| token.app_id == app.app_id).cloned();
    let token = token.filter(|token| token.expires_ms > now_ms && app.refresh).ok_or_else(not_found)?;
    let spent = match token.state {
        RefreshState::Live => None,
        RefreshState::Used => Some(rotation::graceful(state, mode, &token, now_ms).ok_or_else(not_found)?),
        RefreshState::Revoked => return Err(not_found()),
    };
    check_person(state, token.person)?;
    if let (Some(spent), RefreshMode::GraceSame { .. }) = (&spent, mode) {
        return rotation::same_again(spent, &["expireIn"], now_ms).ok_or_else(not_found);
    }
    if let Some(loser) = spent.as_ref().and_then(|spent| spent.successor.as_deref()) {
        state.tokens.kill_refresh(loser);
    }
    let answer = issue(dingtalk, state, app, next(state, token));
    let kept = matches!(mode, RefreshMode::GraceSame { .. }).then(|| answer.clone());
    let successor = answer["refreshToken"].as_str().map(fingerprint);
    let at_ms = spent.map_or(now_ms, |spent| spent.at_ms);
    state.tokens.spend(text, Spent { at_ms, successor, answer: kept });
    Ok(answer)
}

fn next(state: &WorldState, token: RefreshToken) -> Pair {
    Pair {
        scopes: state.grants.consented(&token.app_id, token.person),
        client_id: token.app_id,
        person: token.person,
        chain: token.chain,
        consented_ms: token.consented_ms,
    }
}

fn check_person(state: &WorldState, id: PersonId) -> Result<(), Refusal> {
    if state.people.get(id).reachable() { Ok(()) } else { Err(Refusal::no_permission("openid")) }
}

/// Makes the tokens and the answer that carries them. The company is named only to those who asked for it.
fn issue(dingtalk: &DingTalk, state: &mut WorldState, app: &App, pair: Pair) -> Value {
    let (now_ms, lifetimes) = (dingtalk.clock.now_ms(), &dingtalk.lifetimes);
    let corp = pair.scopes.iter().any(|scope| scope == "corpid");
    let access = state.tokens.issue_access(AccessToken {
        app_id: pair.client_id.clone(),
        owner: Owner::Person(pair.person, pair.chain),
        scopes: pair.scopes,
        expires_ms: now_ms + lifetimes.access_token_s * 1000,
        revoked: false,
    });
    let refresh = state.tokens.issue_refresh(RefreshToken {
        app_id: pair.client_id,
        person: pair.person,
        chain: pair.chain,
        expires_ms: now_ms + lifetimes.refresh_token_s * 1000,
        consented_ms: pair.consented_ms,
        state: RefreshState::Live,
        spent: None,
    });
    let mut answer = json!({"accessToken": access, "refreshToken": refresh, "expireIn": lifetimes.access_token_s});
    if corp {
        answer["corpId"] = json!(app.tenant_key);
    }
    answer
}
