//! Who calls the open platform: an app with its tenant token or a person with theirs.

use axum::http::{HeaderMap, header};
use serde_json::json;

use super::Feishu;
use super::errors::Refusal;
use crate::world::State;
use crate::world::apps::App;
use crate::world::people::PersonId;
use crate::world::tokens::{AccessToken, Owner};

/// A person's call.
pub struct Caller {
    /// The app that the token was issued to.
    pub app_id: String,
    /// The person.
    pub person: PersonId,
    /// What the token may do.
    pub scopes: Vec<String>,
}

impl Caller {
    /// Refuses with 99991679 unless the token carries one of `any`.
    pub fn needs(&self, any: &[&str]) -> Result<(), Refusal> {
        if any.iter().any(|scope| self.scopes.iter().any(|held| held == scope)) {
            return Ok(());
        }
        let violations: Vec<_> =
            any.iter().map(|scope| json!({"type": "action_privilege_required", "subject": scope})).collect();
        let msg = format!("the person has granted none of the scopes needed: [{}]", any.join(", "));
        Err(Refusal::body(
            axum::http::StatusCode::BAD_REQUEST,
            json!({"code": 99_991_679, "msg": msg, "error": {"permission_violations": violations}}),
        ))
    }
}

/// The token behind `Authorization: Bearer`.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Refusal::bad(99_991_661, "missing access token for authorization"))
}

/// The app whose live tenant token this is.
pub fn tenant(feishu: &Feishu, state: &State, headers: &HeaderMap) -> Result<App, Refusal> {
    let invalid =
        || Refusal::bad(99_991_663, "invalid access token for authorization: a tenant access token is needed");
    let found = state.tokens.access(token(headers)?).ok_or_else(invalid)?;
    let live = found.owner == Owner::Tenant && !found.revoked && found.expires_ms > feishu.clock.now_ms();
    if !live {
        return Err(invalid());
    }
    let app = state.apps.get(&found.app_id).ok_or_else(invalid)?;
    in_use(app)?;
    Ok(app.clone())
}

fn in_use(app: &App) -> Result<(), Refusal> {
    if app.enabled { Ok(()) } else { Err(Refusal::bad(99_991_662, "the app is not in use")) }
}

/// The person whose live user token this is.
pub fn user(feishu: &Feishu, state: &State, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let text = token(headers)?;
    match state.tokens.access(text) {
        Some(found) => {
            let caller = caller(found, feishu.clock.now_ms())?;
            in_use(state.apps.get(&caller.app_id).ok_or_else(invalid_user)?)?;
            Ok(caller)
        }
        None if text.starts_with("t-") => Err(wrong_kind()),
        None if text.starts_with("eyJ") || text.starts_with("u-") => Err(invalid_user()),
        None => Err(Refusal::bad(99_991_671, "the access token has a wrong format")),
    }
}

fn caller(found: &AccessToken, now_ms: i64) -> Result<Caller, Refusal> {
    let Owner::Person(person, _) = found.owner else {
        return Err(wrong_kind());
    };
    if found.revoked {
        return Err(invalid_user());
    }
    if found.expires_ms <= now_ms {
        return Err(Refusal::bad(99_991_677, "the user access token has expired"));
    }
    Ok(Caller { app_id: found.app_id.clone(), person, scopes: found.scopes.clone() })
}

fn wrong_kind() -> Refusal {
    Refusal::bad(99_991_663, "invalid access token for authorization: a user access token is needed")
}

fn invalid_user() -> Refusal {
    Refusal::bad(99_991_668, "invalid access token for authorization")
}
