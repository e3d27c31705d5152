//! `/v1/auth-sessions`: where an ask stands, and withdrawing it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use serde_json::{Value, json};

use super::caller::Authenticated;
use super::preference::Wait;
use super::problem::Problem;
use super::segment::Segment;
use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, AuthSessionId, State as SessionState};
use crate::domain::caller::Caller;

pub(super) async fn show(
    State(auth_sessions): State<AuthSessions>,
    Authenticated(caller): Authenticated,
    wait: Wait,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = visible(&auth_sessions, &caller, &id).await?;
    let session = auth_sessions.wait(&id, wait.0).await.map_err(|error| Problem::from_store(&error))?;
    let session = session.ok_or_else(Problem::not_found)?;
    let mut response = axum::Json(document(&session)).into_response();
    let headers = response.headers_mut();
    if session.is_pending() {
        headers.insert("retry-after", HeaderValue::from_static("3"));
    }
    if let Some(applied) = wait.applied().and_then(|applied| HeaderValue::from_str(&applied).ok()) {
        headers.insert("preference-applied", applied);
    }
    Ok(response)
}

pub(super) async fn cancel(
    State(auth_sessions): State<AuthSessions>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = visible(&auth_sessions, &caller, &id).await?;
    let session = auth_sessions.withdraw(&id, &caller.name).await?;
    Ok(axum::Json(document(&session)).into_response())
}

/// The id, if this caller asked in this session. Others' sessions look like none.
async fn visible(auth_sessions: &AuthSessions, caller: &Caller, id: &str) -> Result<AuthSessionId, Problem> {
    let id = AuthSessionId::parse(id).map_err(|_| Problem::not_found())?;
    let session = auth_sessions.find(&id).await.map_err(|error| Problem::from_store(&error))?;
    let asked =
        |session: &AuthSession| caller.apps.contains(&session.subject.app) && session.requesters.contains(&caller.name);
    session.filter(asked).map(|session| session.id).ok_or_else(Problem::not_found)
}

/// A session as the API shows it: never a token, a code or a link.
pub(super) fn document(session: &AuthSession) -> Value {
    let mut fields = json!({
        "id": session.id.as_str(),
        "status": session.state.name().as_str(),
        "app": session.subject.app.as_str(),
        "subject": session.subject.id.as_str(),
        "scopes": session.scopes.iter().collect::<Vec<_>>(),
        "created_at": session.created_at.to_rfc3339(),
        "expires_at": session.expires_at.to_rfc3339(),
    });
    if let Some(at) = session.state.ended_at() {
        fields["ended_at"] = json!(at.to_rfc3339());
    }
    match &session.state {
        SessionState::Completed(done) => {
            fields["grant_id"] = json!(done.grant.as_str());
            fields["missing_scopes"] = json!(done.missing.iter().collect::<Vec<_>>());
        }
        SessionState::Failed { reason, .. } => fields["reason"] = json!(reason.as_str()),
        SessionState::Rejected { .. } => fields["reason"] = json!("user_rejected"),
        _ => {}
    }
    fields
}
