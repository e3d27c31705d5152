//! The authorize page: `GET /oauth2/auth` asks, the form's POST decides and redirects with `authCode`.
//!
//! A wrong request ends on the page. A refusal redirects with `error`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::{DingTalk, person};
use crate::pages::{self, AuthorizePage, Lang, ProblemPage, ScopeLine};
use crate::params::Params;
use crate::viewer;
use crate::world::grants::Code;

const WORDS: [(&str, &str, &str); 4] = [
    ("openid", "获取你的身份（openId、unionId）", "Know who you are (openId, unionId)"),
    ("corpid", "获取你选择的组织", "See the organisation that you choose"),
    ("Contact.User.Read", "获取你的姓名和头像", "See your name and picture"),
    ("Contact.User.mobile", "获取你的手机号", "See your mobile number"),
];

/// Why an authorization ends on the page. The platform's own codes are not public; these are the sandbox's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A parameter is missing or has a value that it must not have.
    #[error("the parameter {0} is missing or wrong")]
    Parameter(&'static str),
    /// No such app, or it is switched off.
    #[error("there is no such app, or it is not in use")]
    App,
    /// Not one of the app's addresses.
    #[error("the redirect address is not registered")]
    Redirect,
    /// The app may not ask for it.
    #[error("the app may not ask for the scope {0}")]
    Scope(String),
    /// The person may not use the app.
    #[error("the person may not use the app")]
    Person,
}

impl Problem {
    /// The code on the page.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Parameter(_) => "invalidParameter",
            Self::App => "invalidClientId",
            Self::Redirect => "invalidRedirectUri",
            Self::Scope(_) => "invalidScope",
            Self::Person => "invalidUser",
        }
    }

    fn page(&self, lang: Lang) -> Response {
        let title = match lang {
            Lang::Zh => "无法授权",
            Lang::En => "This cannot be authorized",
        };
        let page = ProblemPage { code: self.code().to_owned(), title: title.to_owned(), text: self.to_string(), lang };
        (StatusCode::BAD_REQUEST, viewer::html(pages::problem(&page))).into_response()
    }
}

/// A checked request.
struct Ask {
    client_id: String,
    app_name: String,
    redirect_uri: String,
    target: Url,
    scopes: Vec<String>,
    state: Option<String>,
}

/// Shows the page, or what is wrong with the request.
pub async fn page(State(dingtalk): State<Arc<DingTalk>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let viewer = viewer::viewer(&dingtalk, &headers);
    let ask = match read(&dingtalk, &params) {
        Ok(ask) => ask,
        Err(problem) => return problem.page(viewer.lang),
    };
    viewer::html(pages::authorize(&AuthorizePage {
        app_name: ask.app_name,
        scopes: ask.scopes.iter().map(|name| line(name)).collect(),
        person: viewer.person,
        people: viewer.people,
        form_action: "/oauth2/auth".to_owned(),
        hidden: params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        lang: viewer.lang,
    }))
}

/// Takes the decision and redirects.
pub async fn decide(State(dingtalk): State<Arc<DingTalk>>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::read(&body);
    let who = params.get("as").unwrap_or_default();
    match location(&dingtalk, &params, who, params.get("decision") == Some("allow")) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(problem) => problem.page(viewer::viewer(&dingtalk, &headers).lang),
    }
}

/// Where the person's decision leads: the redirect address with an `authCode`, or with an `error`.
pub fn location(dingtalk: &DingTalk, params: &Params, who: &str, allow: bool) -> Result<String, Problem> {
    let ask = read(dingtalk, params)?;
    let answer = if allow { ("authCode", grant(dingtalk, &ask, who)?) } else { ("error", "access_denied".to_owned()) };
    let mut target = ask.target;
    target.query_pairs_mut().append_pair(answer.0, &answer.1);
    if let Some(state) = &ask.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(target.into())
}

fn grant(dingtalk: &DingTalk, ask: &Ask, who: &str) -> Result<String, Problem> {
    let mut state = dingtalk.world.lock();
    let id = person::find_any(&state, who).ok_or(Problem::Parameter("as"))?;
    let corp = state.apps.get(&ask.client_id).map(|app| app.tenant_key.clone());
    let person = state.people.get(id);
    if !person.reachable() || corp.as_deref() != Some(person.tenant_key.as_str()) {
        return Err(Problem::Person);
    }
    state.grants.consent(&ask.client_id, id, ask.scopes.iter().cloned());
    Ok(state.grants.issue_code(Code {
        app_id: ask.client_id.clone(),
        person: id,
        redirect_uri: ask.redirect_uri.clone(),
        challenge: None,
        expires_ms: dingtalk.clock.now_ms() + dingtalk.lifetimes.code_s * 1000,
        used: false,
    }))
}

fn read(dingtalk: &DingTalk, params: &Params) -> Result<Ask, Problem> {
    let get = |name: &'static str| params.get(name).ok_or(Problem::Parameter(name));
    let must = |name: &'static str, value: &str| {
        if params.get(name) == Some(value) { Ok(()) } else { Err(Problem::Parameter(name)) }
    };
    must("response_type", "code")?;
    must("prompt", "consent")?;
    if params.malformed.is_some() || params.get("exclusiveLogin") == Some("true") && get("exclusiveCorpId").is_err() {
        return Err(Problem::Parameter("exclusiveCorpId"));
    }
    let scopes: Vec<String> = get("scope")?.split_whitespace().map(str::to_owned).collect();
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(Problem::Parameter("scope"));
    }
    let (client_id, redirect_uri) = (get("client_id")?, get("redirect_uri")?);
    let state = dingtalk.world.lock();
    let app = state.apps.get(client_id).filter(|app| app.enabled).ok_or(Problem::App)?;
    let basic = |scope: &str| matches!(scope, "openid" | "corpid");
    if let Some(scope) = scopes.iter().find(|scope| !basic(scope) && !app.may_ask(scope)) {
        return Err(Problem::Scope(scope.clone()));
    }
    let target = Url::parse(redirect_uri).ok().filter(|url| url.has_host() && app.may_redirect(redirect_uri));
    Ok(Ask {
        client_id: client_id.to_owned(),
        app_name: app.name.clone(),
        redirect_uri: redirect_uri.to_owned(),
        target: target.ok_or(Problem::Redirect)?,
        scopes,
        state: params.get("state").map(str::to_owned),
    })
}

fn line(name: &str) -> ScopeLine {
    let known = WORDS.iter().find(|(known, ..)| *known == name);
    let (zh, en) = known.map_or((name, name), |(_, zh, en)| (*zh, *en));
    ScopeLine { name: name.to_owned(), words_zh: zh.to_owned(), words_en: en.to_owned() }
}
