//! The pages that people see: one look, two languages, everything escaped, nothing from elsewhere.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::layers::Why;
use super::problem::Problem;
use super::segment::Segment;
use crate::domain::auth_session::{AuthSession, State, StateName};
use crate::domain::wording::{Bilingual, Language, pages as words, scope_words};

/// A permission on the landing page.
struct Permission {
    words: String,
    name: String,
}

#[derive(Template)]
#[template(path = "landing.html")]
struct LandingPage {
    lang: &'static str,
    title: String,
    app_name: String,
    asks: String,
    reason_label: String,
    reason: Option<String>,
    permissions_label: String,
    permissions: Vec<Permission>,
    next: String,
    only_you: String,
    go_on: String,
    token: String,
    offered: String,
}

#[derive(Template)]
#[template(path = "result.html")]
struct ResultPage {
    lang: &'static str,
    title: String,
    text: String,
    hint: String,
    mood: &'static str,
    missing_label: String,
    missing: Vec<Permission>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    lang: &'static str,
    title: String,
    hint: String,
    copy: String,
    copied: String,
    refused_title: String,
    refused: String,
    back: String,
}

/// What went wrong on the way, as a page.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// The link was used or is too old.
    LinkOver,
    /// The link is not one of ours.
    UnknownLink,
    /// Another browser began.
    OtherBrowser,
    /// The store is away.
    Busy,
}

impl Trouble {
    /// The word for it in an address.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::LinkOver => "link-over",
            Self::UnknownLink => "unknown-link",
            Self::OtherBrowser => "other-browser",
            Self::Busy => "busy",
        }
    }

    /// The trouble of this word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::LinkOver, Self::UnknownLink, Self::OtherBrowser, Self::Busy]
            .into_iter()
            .find(|trouble| trouble.word() == word)
    }
}

fn show(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            Problem::internal().into_response()
        }
    }
}

const fn tag(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh-CN",
        Language::En => "en",
    }
}

fn permissions<'a>(names: impl Iterator<Item = &'a str>, language: Language) -> Vec<Permission> {
    let one = |name: &str| Permission {
        words: scope_words(name).map(|words| words.pick(language).to_owned()).unwrap_or_default(),
        name: name.to_owned(),
    };
    names.map(one).collect()
}

/// Who asks, and for what.
pub(super) fn landing(
    session: &AuthSession,
    app_name: &str,
    token: &str,
    offered: &str,
    language: Language,
) -> Response {
    let pick = |text: &Bilingual| text.pick(language).to_owned();
    let names: Vec<_> = session.requesters.iter().map(|name| Bilingual::both(name)).collect();
    let page = LandingPage {
        lang: tag(language),
        title: pick(&words::LANDING_TITLE),
        app_name: app_name.to_owned(),
        asks: pick(&words::landing_asks(&Bilingual::list(&names))),
        reason_label: pick(&words::LANDING_REASON),
        reason: session.reason.clone(),
        permissions_label: pick(&words::LANDING_PERMISSIONS),
        permissions: permissions(session.scopes.iter(), language),
        next: pick(&words::LANDING_NEXT),
        only_you: pick(&words::LANDING_FOR_YOU_ONLY),
        go_on: pick(&words::CONTINUE),
        token: token.to_owned(),
        offered: offered.to_owned(),
    };
    show(StatusCode::OK, &page)
}

/// Where a session stands, truthfully.
pub(super) fn result(session: &AuthSession, language: Language) -> Response {
    let (title, text) = match &session.state {
        State::Waiting => (words::TRY_AGAIN_TITLE, words::TRY_AGAIN),
        state => words::result(state.name()),
    };
    let mood = match &session.state {
        State::Exchanging(_) => "working",
        State::Completed(_) => "good",
        State::Waiting | State::Rejected { .. } | State::Cancelled { .. } => "calm",
        State::Mismatched { .. } | State::Failed { .. } | State::Expired { .. } => "bad",
    };
    let missing = match &session.state {
        State::Completed(done) => permissions(done.missing.iter(), language),
        _ => Vec::new(),
    };
    let page = ResultPage {
        lang: tag(language),
        title: title.pick(language).to_owned(),
        text: text.pick(language).to_owned(),
        hint: match session.state.name() {
            StateName::Pending => String::new(),
            _ => words::CLOSE.pick(language).to_owned(),
        },
        mood,
        missing_label: words::missing_permissions(missing.len()).pick(language).to_owned(),
        missing,
    };
    let mut response = show(StatusCode::OK, &page);
    if matches!(session.state, State::Exchanging(_)) {
        response.headers_mut().insert("refresh", http::HeaderValue::from_static("1"));
    }
    response
}

/// What went wrong.
pub(super) fn trouble(trouble: Trouble, language: Language) -> Response {
    let (status, why, title, text) = match trouble {
        Trouble::LinkOver => (StatusCode::GONE, "link-over", words::LINK_OVER_TITLE, words::LINK_OVER),
        Trouble::UnknownLink => {
            (StatusCode::BAD_REQUEST, "unknown-link", words::UNKNOWN_LINK_TITLE, words::UNKNOWN_LINK)
        }
        Trouble::OtherBrowser => {
            (StatusCode::FORBIDDEN, "other-browser", words::WRONG_BROWSER_TITLE, words::WRONG_BROWSER)
        }
        Trouble::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", words::BUSY_TITLE, words::BUSY),
    };
    let page = ResultPage {
        lang: tag(language),
        title: title.pick(language).to_owned(),
        text: text.pick(language).to_owned(),
        hint: String::new(),
        mood: "bad",
        missing_label: String::new(),
        missing: Vec::new(),
    };
    let mut response = show(status, &page);
    response.extensions_mut().insert(Why(why));
    response
}

/// The page that shows a code; static, its script reads the address.
pub(super) fn code(language: Language) -> Response {
    let pick = |text: &Bilingual| text.pick(language).to_owned();
    let page = CodePage {
        lang: tag(language),
        title: pick(&words::CODE_TITLE),
        hint: pick(&words::CODE_HINT),
        copy: pick(&words::CODE_COPY),
        copied: pick(&words::CODE_COPIED),
        refused_title: pick(&words::REJECTED_TITLE),
        refused: pick(&words::REJECTED),
        back: pick(&words::BACK_TO_CHAT),
    };
    show(StatusCode::OK, &page)
}

/// The style sheet and the one script.
pub(super) async fn asset(Segment(name): Segment) -> Result<Response, Problem> {
    let (kind, text) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", include_str!("../../assets/page.css")),
        "code.js" => ("text/javascript; charset=utf-8", include_str!("../../assets/code.js")),
        _ => return Err(Problem::not_found()),
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")], text).into_response())
}
