//! `grant_type=refresh_token`: the old refresh token dies at once, the old access token lives until its time.

use serde_json::Value;

use super::issue::{self, Pair};
use super::{Client, Problem, required};
use crate::feishu::Feishu;
use crate::feishu::params::Params;
use crate::world::State;
use crate::world::tokens::RefreshState;

/// Checks everything, then rotates. A refused refresh leaves the token as it was.
pub(super) fn rotate(feishu: &Feishu, state: &mut State, client: &Client, params: &Params) -> Result<Value, Problem> {
    let text = required(params, "refresh_token")?;
    if !client.app.refresh {
        return Err(Problem::RefreshOff);
    }
    let token = state.tokens.refresh(text).cloned().ok_or(Problem::RefreshInvalid)?;
    if token.app_id != client.app.app_id {
        return Err(Problem::OtherApp);
    }
    match token.state {
        RefreshState::Used => return Err(Problem::RefreshUsed),
        RefreshState::Revoked => return Err(Problem::RefreshRevoked),
        RefreshState::Live => {}
    }
    let now_ms = feishu.clock.now_ms();
    if token.expires_ms <= now_ms || issue::consent_ends(feishu, token.consented_ms) <= now_ms {
        return Err(Problem::RefreshExpired);
    }
    issue::check_person(state, token.person, &token.app_id)?;
    let scopes = issue::narrowed(state.grants.consented(&token.app_id, token.person), params)?;
    state.tokens.spend(text);
    let pair = Pair {
        app_id: token.app_id,
        person: token.person,
        chain: token.chain,
        consented_ms: token.consented_ms,
        scopes,
        refreshable: true,
    };
    Ok(issue::pair(feishu, state, pair))
}
