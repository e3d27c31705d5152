//! `grant_type=refresh_token`: the old refresh token is spent, the old access token lives until its time.
//!
//! What a spent token still does is the app's [`RefreshMode`].

use serde_json::Value;

use super::issue::{self, Pair};
use super::{Client, Problem, required};
use crate::feishu::Feishu;
use crate::gate::MixedUpWith;
use crate::options::RefreshMode;
use crate::params::Params;
use crate::random::fingerprint;
use crate::rotation;
use crate::world::State;
use crate::world::tokens::{RefreshState, RefreshToken, Spent};

/// The fields of an answer that state a life in seconds.
const LIVES: [&str; 2] = ["expires_in", "refresh_token_expires_in"];

/// Checks everything, then rotates. A refused refresh leaves the token as it was.
pub(super) fn rotate(
    feishu: &Feishu,
    state: &mut State,
    client: &Client,
    (params, mixed_up): (&Params, Option<&MixedUpWith>),
) -> Result<Value, Problem> {
    let text = required(params, "refresh_token")?;
    if !client.app.refresh {
        return Err(Problem::RefreshOff);
    }
    let token = state.tokens.refresh(text).cloned().ok_or(Problem::RefreshInvalid)?;
    if token.app_id != client.app.app_id {
        return Err(Problem::OtherApp);
    }
    let (mode, now_ms) = (client.app.refresh_mode, feishu.clock.now_ms());
    let spent = match token.state {
        RefreshState::Used => Some(rotation::graceful(state, mode, &token, now_ms).ok_or(Problem::RefreshUsed)?),
        RefreshState::Revoked => return Err(Problem::RefreshRevoked),
        RefreshState::Live => None,
    };
    if token.expires_ms <= now_ms || issue::consent_ends(feishu, token.consented_ms) <= now_ms {
        return Err(Problem::RefreshExpired);
    }
    issue::check_person(state, token.person, &token.app_id)?;
    if let (Some(spent), RefreshMode::GraceSame { .. }) = (&spent, mode) {
        return rotation::same_again(spent, &LIVES, now_ms).ok_or(Problem::RefreshUsed);
    }
    let scopes = issue::narrowed(state.grants.consented(&token.app_id, token.person), params)?;
    if let Some(loser) = spent.as_ref().and_then(|spent| spent.successor.as_deref()) {
        state.tokens.kill_refresh(loser);
    }
    let first_ms = spent.map_or(now_ms, |spent| spent.at_ms);
    let successors = successors(token, scopes);
    let successors = mixed_up.and_then(|with| of_another(state, &successors, with)).unwrap_or(successors);
    let answer = issue::pair(feishu, state, successors);
    let kept = matches!(mode, RefreshMode::GraceSame { .. }).then(|| answer.clone());
    let successor = answer["refresh_token"].as_str().map(fingerprint);
    state.tokens.spend(text, Spent { at_ms: first_ms, successor, answer: kept });
    Ok(answer)
}

fn successors(token: RefreshToken, scopes: Vec<String>) -> Pair {
    Pair {
        app_id: token.app_id,
        person: token.person,
        chain: token.chain,
        consented_ms: token.consented_ms,
        scopes,
        refreshable: true,
    }
}

/// The same for the person that the platform mixes this one up with.
fn of_another(state: &mut State, pair: &Pair, with: &MixedUpWith) -> Option<Pair> {
    let person = state.people.find(&with.0)?;
    let (app_id, scopes, chain) = (pair.app_id.clone(), pair.scopes.clone(), state.tokens.begin_chain());
    Some(Pair { app_id, person, chain, consented_ms: pair.consented_ms, scopes, refreshable: pair.refreshable })
}
