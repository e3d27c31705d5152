//! `POST /oauth/v1/revoke`: an app gives a person's tokens back. The whole chain of the consent dies with either token.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::errors::Refusal;
use super::oauth::{Problem, authenticate};
use super::{Feishu, events};
use crate::params::Params;
use crate::world::people::{Person, PersonId};
use crate::world::tokens::Owner;

/// Revokes. A token that is not known is no error, as RFC 7009 has it.
pub async fn revoke(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refusal> {
    let revoked = take_back(&feishu, &headers, &body).map_err(|problem| problem.refusal())?;
    if let Some((app_id, person)) = revoked {
        let event = events::revoked(&person, &app_id, events::BOTH_TOKENS, "Revoked by user.");
        events::push(&feishu, &app_id, "auth.user_access_token.revoked_v4", &event).await;
    }
    Ok(StatusCode::OK)
}

fn take_back(feishu: &Feishu, headers: &HeaderMap, body: &[u8]) -> Result<Option<(String, Person)>, Problem> {
    let params = Params::read(body);
    let mut state = feishu.world.lock();
    let app_id = authenticate(&state, headers, &params)?.app.app_id;
    let text = params.get("token").ok_or(Problem::Missing("token"))?;
    let refresh = state.tokens.refresh(text).map(|token| (token.app_id.clone(), token.person, token.chain));
    let access = state.tokens.access(text).and_then(|token| match token.owner {
        Owner::Person(person, chain) => Some((token.app_id.clone(), person, chain)),
        Owner::Tenant => None,
    });
    let Some((owner, person, chain)) = refresh.or(access) else {
        return Ok(None);
    };
    if owner != app_id {
        return Err(Problem::OtherApp);
    }
    let theirs = |app: &str, who: PersonId, of: u64| app == app_id && who == person && of == chain;
    let died = state.tokens.revoke(theirs);
    Ok((died > 0).then(|| (app_id, state.people.get(person).clone())))
}
