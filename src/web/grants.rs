//! `/v1/grants`: what people granted, and ending it. Never a token.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::caller::Authenticated;
use super::problem::Problem;
use super::query::Query;
use super::segment::Segment;
use crate::domain::grant::{GrantFacts, GrantStatus};
use crate::domain::ids::{AppId, GrantId, SubjectId};
use crate::grants::Grants;

/// Grants on a page, unless asked otherwise, and at most.
const PAGE: u64 = 50;
const MAX_PAGE: u64 = 200;

pub(super) async fn list(
    State(grants): State<Grants>,
    Authenticated(caller): Authenticated,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref()).ok_or_else(|| Problem::invalid("A parameter comes twice."))?;
    let app = take(&mut query, "app", AppId::parse)?;
    let subject = take(&mut query, "subject", SubjectId::parse)?;
    let after = take(&mut query, "after", GrantId::parse)?;
    let limit = take(&mut query, "limit", |text: &str| text.parse::<u64>())?.unwrap_or(PAGE);
    if let Some(name) = query.left().next() {
        return Err(Problem::invalid(format!("`{}` is not a parameter of this list.", name.escape_default())));
    }
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid(format!("`limit` must be from 1 to {MAX_PAGE}.")));
    }
    let found = grants.list(&caller.apps, app.as_ref(), subject.as_ref(), after.as_ref(), limit).await;
    let found = found.map_err(|error| Problem::from_store(&error))?;
    let full = found.len() as u64 == limit;
    let next = found.last().filter(|_| full).map(|(last, _)| last.id.as_str().to_owned());
    let documents: Vec<Value> = found.iter().map(|(facts, suspended)| document(facts, *suspended)).collect();
    Ok(axum::Json(json!({ "grants": documents, "next": next })).into_response())
}

fn take<T, E>(query: &mut Query, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, Problem> {
    let value = query.take(name).map(|value| parse(value.expose()));
    value.transpose().map_err(|_| Problem::invalid(format!("`{name}` is not valid.")))
}

pub(super) async fn revoke(
    State(grants): State<Grants>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment,
) -> Result<StatusCode, Problem> {
    let id = GrantId::parse(&id).map_err(|_| Problem::not_found())?;
    grants.revoke(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn document(facts: &GrantFacts, suspended: bool) -> Value {
    json!({
        "id": facts.id.as_str(),
        "app": facts.subject.app.as_str(),
        "subject": facts.subject.id.as_str(),
        "name": facts.name,
        "info_at": facts.info_at.map(crate::domain::clock::Timestamp::to_rfc3339),
        "status": match facts.status {
            _ if suspended => "suspended",
            GrantStatus::Active => "active",
            GrantStatus::NeedsConsent => "needs_consent",
        },
        "scopes": facts.scopes.iter().collect::<Vec<_>>(),
        "generation": facts.version.generation,
        "refreshable": facts.refreshable,
        "obtained_at": facts.obtained_at.to_rfc3339(),
        "access_expires_at": facts.access_expires_at.to_rfc3339(),
        "refresh_expires_at": facts.refresh_expires_at.map(crate::domain::clock::Timestamp::to_rfc3339),
    })
}
