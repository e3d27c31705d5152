//! `POST /v1/tokens`: a person's token for these scopes, or the auth session that may lead to it.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::auth_sessions::document;
use super::body::Json;
use super::caller::Authenticated;
use super::preference::Wait;
use super::problem::Problem;
use crate::auth_session::{Ask, AskError, Asked, AuthSessions, Notification};
use crate::domain::auth_session::{AuthSession, State as SessionState};
use crate::domain::caller::Caller;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{AppId, Subject, SubjectId};
use crate::domain::scopes::ScopeSet;
use crate::grants::{Grants, Lookup};

/// The longest reason, in characters: it has to fit on a card.
const MAX_REASON: usize = 200;

/// The longest life that can be asked for, in seconds.
const MAX_MIN_TTL: u64 = 3_600;

/// Rounds of asking within one call: scopes asked after the person opened the link are asked in a second one.
const MAX_ROUNDS: u32 = 3;

/// Seconds until a caller that does not wait should look again.
const LOOK_AGAIN: &str = "3";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    app: String,
    subject: String,
    scopes: Vec<String>,
    #[serde(default)]
    min_ttl_seconds: u64,
    reason: Option<String>,
    #[serde(default)]
    notify: Notify,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Notify {
    #[default]
    Card,
    Link,
    None,
}

/// A request that was read and allowed.
struct Wanted {
    ask: Ask,
    min_ttl: Duration,
}

pub(super) async fn ask(
    State(auth_sessions): State<AuthSessions>,
    State(grants): State<Grants>,
    Authenticated(caller): Authenticated,
    wait: Wait,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let wanted = read(body, &caller)?;
    auth_sessions.serves(&wanted.ask.subject.app)?;
    caller.may(&wanted.ask.subject.app, &wanted.ask.scopes)?;
    let mut response = answer(&auth_sessions, &grants, wanted, &wait).await?;
    if let Some(applied) = wait.applied().and_then(|applied| HeaderValue::from_str(&applied).ok()) {
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

fn read(body: Body, caller: &Caller) -> Result<Wanted, Problem> {
    let field =
        |name: &'static str| move |error: &dyn std::fmt::Display| Problem::invalid(format!("`{name}` {error}."));
    let app = AppId::parse(&body.app).map_err(|error| field("app")(&error))?;
    let id = SubjectId::parse(&body.subject).map_err(|error| field("subject")(&error))?;
    let scopes = ScopeSet::parse(body.scopes.iter().map(String::as_str))
        .map_err(|error| Problem::invalid(format!("`scopes`: {error}.")))?;
    if scopes.is_empty() {
        return Err(Problem::invalid("`scopes` must name one scope at least."));
    }
    if body.min_ttl_seconds > MAX_MIN_TTL {
        return Err(Problem::invalid(format!("`min_ttl_seconds` must be at most {MAX_MIN_TTL}.")));
    }
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    let fits = |reason: &String| reason.chars().count() <= MAX_REASON && !reason.contains(char::is_control);
    if !reason.as_ref().is_none_or(fits) {
        let detail = format!("`reason` must have at most {MAX_REASON} characters and no line breaks.");
        return Err(Problem::invalid(detail));
    }
    let notification = match body.notify {
        Notify::Card => Notification::Card,
        Notify::Link => Notification::Link,
        Notify::None => Notification::None,
    };
    let (subject, requester) = (Subject { app, id }, caller.name.clone());
    let ask = Ask { subject, scopes, requester, reason, notification, found: None };
    Ok(Wanted { ask, min_ttl: Duration::from_secs(body.min_ttl_seconds) })
}

async fn answer(
    auth_sessions: &AuthSessions,
    grants: &Grants,
    wanted: Wanted,
    wait: &Wait,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + wait.0;
    let Wanted { mut ask, min_ttl } = wanted;
    let mut last = None;
    for _ in 0..MAX_ROUNDS {
        match grants.lookup(&ask.subject, &ask.scopes, min_ttl).await.map_err(|e| Problem::from_store(&e))? {
            Lookup::Token { grant, stale } => return Ok(token(&grant, stale, auth_sessions.now())),
            Lookup::NotNow(error) => return Err(error.into()),
            Lookup::Suspended(suspension) => return Err(suspension.into()),
            Lookup::Ask { found } => ask.found = found,
        }
        let asked = match auth_sessions.ask(&ask).await {
            Err(AskError::GrantChanged) => continue,
            asked => asked?,
        };
        let patience = deadline.saturating_duration_since(Instant::now());
        let session = auth_sessions.wait(&asked.session.id, patience).await.map_err(|e| Problem::from_store(&e))?;
        let Some(session) = session else { return Err(Problem::not_found()) };
        match &session.state {
            SessionState::Waiting | SessionState::Exchanging(_) => {
                // Whoever waited may have been let go because there is nothing to wait for any more.
                let suspension = grants.suspension(&session.subject).await.map_err(|e| Problem::from_store(&e))?;
                return match suspension {
                    Some(suspension) => Err(suspension.into()),
                    None => Ok(pending(&Asked { session, ..asked })),
                };
            }
            SessionState::Completed(done) => {
                // What this session was asked for and did not bring will not come by asking once more.
                let refused = ask.scopes.common(&done.missing);
                if !refused.is_empty() {
                    return Err(Problem::insufficient_scope(&refused, session.id.as_str()));
                }
                last = Some(session);
            }
            SessionState::Cancelled { .. } => return after_all(auth_sessions, grants, (&ask, min_ttl), &session).await,
            _ => return Err(Problem::ended(&session)),
        }
    }
    match last {
        Some(session) => Err(Problem::insufficient_scope(&ask.scopes, session.id.as_str())),
        None => Err(AskError::GrantChanged.into()),
    }
}

/// A question is taken back also because there is a token without it.
async fn after_all(
    auth_sessions: &AuthSessions,
    grants: &Grants,
    (ask, min_ttl): (&Ask, Duration),
    session: &AuthSession,
) -> Result<Response, Problem> {
    match grants.lookup(&ask.subject, &ask.scopes, min_ttl).await.map_err(|e| Problem::from_store(&e))? {
        Lookup::Token { grant, stale } => Ok(token(&grant, stale, auth_sessions.now())),
        _ => Err(Problem::ended(session)),
    }
}

fn token(grant: &Grant, stale: bool, now: Timestamp) -> Response {
    let facts = &grant.facts;
    let body = json!({
        "access_token": grant.access.expose(),
        "token_type": "Bearer",
        "expires_in": facts.access_expires_at.since(now).as_secs(),
        "expires_at": facts.access_expires_at.to_rfc3339(),
        "scopes": facts.scopes.iter().collect::<Vec<_>>(),
        "app": facts.subject.app.as_str(),
        "subject": facts.subject.id.as_str(),
        "grant_id": facts.id.as_str(),
        "stale": stale,
    });
    (StatusCode::OK, axum::Json(body)).into_response()
}

fn pending(asked: &Asked) -> Response {
    let mut session = document(&asked.session);
    if let (Some(link), Value::Object(fields)) = (&asked.link, &mut session) {
        fields.insert("authorization_uri".to_owned(), json!(link.expose()));
    }
    let location = format!("/v1/auth-sessions/{}", asked.session.id);
    let headers = [("location", location), ("retry-after", LOOK_AGAIN.to_owned())];
    (StatusCode::ACCEPTED, headers, axum::Json(json!({ "auth_session": session }))).into_response()
}
