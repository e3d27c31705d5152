//! Makes the pair of tokens, and says who may have one.

use serde_json::{Value, json};

use super::Problem;
use crate::feishu::Feishu;
use crate::params::Params;
use crate::world::State;
use crate::world::people::PersonId;
use crate::world::tokens::{AccessToken, Owner, RefreshState, RefreshToken};

/// After how long a person must consent again, in seconds.
const CONSENT_LIFE_S: i64 = 365 * 24 * 3600;
/// The scope without which there is no refresh token.
const OFFLINE: &str = "offline_access";

/// For whom and with what a pair is made.
pub(super) struct Pair {
    pub(super) app_id: String,
    pub(super) person: PersonId,
    pub(super) chain: u64,
    pub(super) consented_ms: i64,
    pub(super) scopes: Vec<String>,
    /// Whether a refresh token belongs to it.
    pub(super) refreshable: bool,
}

/// Whether scopes hold the one for refresh tokens.
pub(super) fn is_offline(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == OFFLINE)
}

/// Until when (ms) a consent given at `consented_ms` holds.
pub(super) fn consent_ends(feishu: &Feishu, consented_ms: i64) -> i64 {
    consented_ms.saturating_add(feishu.clock.period_ms(CONSENT_LIFE_S))
}

/// Makes the tokens and the answer that carries them.
pub(super) fn pair(feishu: &Feishu, state: &mut State, pair: Pair) -> Value {
    let now_ms = feishu.clock.now_ms();
    let lifetimes = &feishu.lifetimes;
    let scope = pair.scopes.join(" ");
    let access = state.tokens.issue_access(AccessToken {
        app_id: pair.app_id.clone(),
        owner: Owner::Person(pair.person, pair.chain),
        scopes: pair.scopes,
        expires_ms: now_ms + lifetimes.access_token_s * 1000,
        revoked: false,
    });
    let mut answer = json!({
        "code": 0,
        "access_token": access,
        "expires_in": lifetimes.access_token_s,
        "token_type": "Bearer",
        "scope": scope,
    });
    if pair.refreshable {
        let ends_ms = consent_ends(feishu, pair.consented_ms);
        let expires_ms = ends_ms.min(now_ms + lifetimes.refresh_token_s * 1000);
        answer["refresh_token"] = json!(state.tokens.issue_refresh(RefreshToken {
            app_id: pair.app_id,
            person: pair.person,
            chain: pair.chain,
            expires_ms,
            consented_ms: pair.consented_ms,
            state: RefreshState::Live,
            spent: None,
        }));
        answer["refresh_token_expires_in"] = json!((expires_ms - now_ms) / 1000);
    }
    answer
}

/// Refuses people who may have no token.
pub(super) fn check_person(state: &State, person: PersonId, app_id: &str) -> Result<(), Problem> {
    let person = state.people.get(person);
    let tenant = state.apps.get(app_id).map(|app| app.tenant_key.as_str());
    if person.removed {
        return Err(Problem::NoSuchUser);
    }
    if person.barred() {
        return Err(Problem::UserState);
    }
    if !person.available || tenant != Some(person.tenant_key.as_str()) {
        return Err(Problem::NotAvailable);
    }
    Ok(())
}

/// The scopes of the new token: all that was ever consented to, or the part that the request names.
pub(super) fn narrowed(consented: Vec<String>, params: &Params) -> Result<Vec<String>, Problem> {
    let Some(wanted) = params.get("scope") else {
        return Ok(consented);
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in wanted.split_whitespace() {
        if scopes.iter().any(|seen| seen == scope) {
            return Err(Problem::ScopeRepeated(scope.to_owned()));
        }
        if !consented.iter().any(|held| held == scope) {
            return Err(Problem::ScopeBeyond(scope.to_owned()));
        }
        scopes.push(scope.to_owned());
    }
    Ok(scopes)
}
