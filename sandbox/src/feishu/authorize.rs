//! The authorize page: `GET /open-apis/authen/v1/authorize` asks, the form's POST decides and redirects with a code.
//!
//! A wrong request ends on the page (20027, 20029, 20010, …). A refusal redirects with `error=access_denied`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::consent::{self, PageProblem};
use super::{Feishu, scopes};
use crate::pages::{self, AuthorizePage};
use crate::params::Params;
use crate::viewer;
use crate::world::grants::{Challenge, ChallengeMethod, Code};

/// The most scopes of one request.
const SCOPE_LIMIT: usize = 200;
/// What a request without scopes asks for.
const BASIC_SCOPE: &str = "auth:user.id:read";

/// A checked request.
struct Ask {
    app_id: String,
    app_name: String,
    redirect_uri: String,
    target: Url,
    scopes: Vec<String>,
    state: Option<String>,
    challenge: Option<Challenge>,
}

/// Shows the page, or what is wrong with the request.
pub async fn page(State(feishu): State<Arc<Feishu>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let viewer = viewer::viewer(&feishu, &headers);
    let ask = match read(&feishu, &params) {
        Ok(ask) => ask,
        Err(problem) => return problem.page(viewer.lang),
    };
    let hidden = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    viewer::html(pages::authorize(&AuthorizePage {
        app_name: ask.app_name,
        scopes: consent::lines(&ask.scopes),
        person: viewer.person,
        people: viewer.people,
        form_action: "/open-apis/authen/v1/authorize".to_owned(),
        hidden,
        lang: viewer.lang,
    }))
}

/// Takes the decision and redirects.
pub async fn decide(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::read(&body);
    let open_id = params.get("as").unwrap_or_default();
    match location(&feishu, &params, open_id, params.get("decision") == Some("allow")) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(problem) => problem.page(viewer::viewer(&feishu, &headers).lang),
    }
}

/// Where the person's decision leads: the redirect address with a code, or with `error=access_denied`.
pub fn location(feishu: &Feishu, params: &Params, open_id: &str, allow: bool) -> Result<String, PageProblem> {
    let ask = read(feishu, params)?;
    let answer = if allow { ("code", grant(feishu, &ask, open_id)?) } else { ("error", "access_denied".to_owned()) };
    let mut target = ask.target;
    target.query_pairs_mut().append_pair(answer.0, &answer.1);
    if let Some(state) = &ask.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(target.into())
}

fn grant(feishu: &Feishu, ask: &Ask, open_id: &str) -> Result<String, PageProblem> {
    let mut state = feishu.world.lock();
    let app = consent::asking_app(&state, &ask.app_id, &ask.scopes)?;
    let person = consent::deciding_person(&state, app, open_id)?;
    state.grants.consent(&ask.app_id, person, ask.scopes.iter().cloned());
    let expires_ms = feishu.clock.now_ms() + feishu.lifetimes.code_s * 1000;
    Ok(state.grants.issue_code(Code {
        app_id: ask.app_id.clone(),
        person,
        redirect_uri: ask.redirect_uri.clone(),
        challenge: ask.challenge.clone(),
        expires_ms,
        used: false,
    }))
}

fn read(feishu: &Feishu, params: &Params) -> Result<Ask, PageProblem> {
    if let Some(name) = &params.malformed {
        return Err(PageProblem::new(20063, name));
    }
    let app_id = params.get("client_id").or_else(|| params.get("app_id"));
    let app_id = app_id.ok_or_else(|| PageProblem::new(20001, "client_id"))?;
    let old_page = params.get("client_id").is_none();
    if !old_page && params.get("response_type") != Some("code") {
        return Err(PageProblem::new(20001, "response_type"));
    }
    let redirect_uri = params.get("redirect_uri").ok_or_else(|| PageProblem::new(20001, "redirect_uri"))?;
    let mut scopes = scopes::split(params.get("scope").unwrap_or(BASIC_SCOPE));
    if scopes.len() > SCOPE_LIMIT {
        return Err(PageProblem::new(20063, "scope"));
    }
    if scopes.is_empty() {
        scopes.push(BASIC_SCOPE.to_owned());
    }
    let state = feishu.world.lock();
    let app = consent::asking_app(&state, app_id, &scopes)?;
    let target = Url::parse(redirect_uri).ok().filter(|url| url.has_host() && app.may_redirect(redirect_uri));
    Ok(Ask {
        app_id: app_id.to_owned(),
        app_name: app.name.clone(),
        redirect_uri: redirect_uri.to_owned(),
        target: target.ok_or_else(|| PageProblem::new(20029, redirect_uri))?,
        scopes,
        state: params.get("state").map(str::to_owned),
        challenge: challenge(params.get("code_challenge"), params.get("code_challenge_method"))?,
    })
}

/// The challenge of a request; `plain` is the default method.
pub fn challenge(value: Option<&str>, method: Option<&str>) -> Result<Option<Challenge>, PageProblem> {
    let method = match method {
        None | Some("plain") => ChallengeMethod::Plain,
        Some("S256") => ChallengeMethod::S256,
        Some(_) => return Err(PageProblem::new(20063, "code_challenge_method")),
    };
    Ok(value.map(|value| Challenge { method, value: value.to_owned() }))
}
