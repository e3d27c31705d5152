//! The browser's way: landing page, start, callback, result. Every answer is a page; failures are pages too.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};

use super::body;
use super::language::Reader;
use super::layers::Why;
use super::pages::{self, Trouble};
use super::problem::Problem;
use super::query::Query;
use crate::auth_session::{AuthSessions, CallbackError, CallbackQuery, StartError, flow_tag};
use crate::domain::ids::{AppId, AuthSessionId, PlatformId};
use crate::domain::secret::Secret;
use crate::domain::wording::Language;

/// How long the browser is held until the exchange is over; after that the result page waits.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(8);

/// The longest `state` that is looked at, in bytes; ours have 43.
const MAX_STATE: usize = 128;

/// The longest cookie life: as long as the longest auth session, in seconds.
const COOKIE_LIFE: u32 = 900;

/// How the binding cookie is set.
#[derive(Debug, Clone, Copy)]
pub struct CookieStyle {
    /// Over https: the `__Host-` prefix and `Secure`.
    pub secure: bool,
}

impl CookieStyle {
    fn name(self, tag: &str) -> String {
        if self.secure { format!("__Host-cardkey_{tag}") } else { format!("cardkey_{tag}") }
    }

    fn set(self, tag: &str, value: &Secret) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name(tag);
        format!("{name}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_LIFE}{secure}", value.expose())
    }

    /// The flow's cookie; `None` when it comes twice with different values.
    fn find(self, headers: &HeaderMap, tag: &str) -> Option<Secret> {
        let name = self.name(tag);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
        let first = values.next()?;
        values.all(|other| other == first).then(|| Secret::new(first.to_owned()))
    }
}

/// Where a person is: which app of which platform, if the path can be read at all.
type Place = Result<Path<(String, String)>, PathRejection>;

fn place(path: &Place) -> Option<(PlatformId, AppId)> {
    let Path((platform, app)) = path.as_ref().ok()?;
    Some((PlatformId::parse(platform).ok()?, AppId::parse(app).ok()?))
}

pub(super) async fn landing(
    State(auth_sessions): State<AuthSessions>,
    path: Place,
    RawQuery(raw): RawQuery,
    Reader(language): Reader,
) -> Response {
    let token = Query::parse(raw.as_deref()).and_then(|mut query| query.take("t"));
    let (Some((platform, app)), Some(token)) = (place(&path), token) else {
        return pages::trouble(Trouble::UnknownLink, language);
    };
    match auth_sessions.landing(&platform, &app, token.expose()).await {
        Ok(landing) => pages::landing(&landing.session, &landing.app_name, token.expose(), &landing.offered, language),
        Err(error) => start_trouble(error, language),
    }
}

pub(super) async fn start(
    State(auth_sessions): State<AuthSessions>,
    State(cookies): State<CookieStyle>,
    path: Place,
    Reader(language): Reader,
    form: Request,
) -> Response {
    let form = body::read(form).await.ok();
    let form = form.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let fields = form.and_then(|form| Query::parse(Some(form)));
    let fields = fields.and_then(|mut fields| Some((fields.take("t")?, fields.take("offered")?)));
    let (Some((platform, app)), Some((token, offered))) = (place(&path), fields) else {
        return pages::trouble(Trouble::UnknownLink, language);
    };
    match auth_sessions.start(&platform, &app, token.expose(), offered.expose()).await {
        Ok(begun) => {
            let cookie = cookies.set(&begun.tag, &begun.cookie);
            let headers = [(SET_COOKIE, cookie), (LOCATION, begun.authorize_url.expose().to_owned())];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(StartError::Changed) => see_other(&format!("{}/start?t={}", base(&platform, &app), token.expose())),
        Err(error) => start_trouble(error, language),
    }
}

fn start_trouble(error: StartError, language: Language) -> Response {
    match error {
        StartError::Unknown => pages::trouble(Trouble::UnknownLink, language),
        StartError::Changed => pages::trouble(Trouble::LinkOver, language),
        StartError::Over(session) => pages::result(&session, language),
        StartError::Store(error) => busy(&error, language),
    }
}

pub(super) async fn callback(
    State(auth_sessions): State<AuthSessions>,
    State(cookies): State<CookieStyle>,
    path: Place,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Reader(language): Reader,
) -> Response {
    let (Some((platform, app)), Some(query)) = (place(&path), Query::parse(raw.as_deref())) else {
        return pages::trouble(Trouble::UnknownLink, language);
    };
    let query = callback_query(query, auth_sessions.code_names(&platform, &app), cookies, &headers);
    match auth_sessions.callback(&platform, &app, query).await {
        Ok(id) => {
            // Most exchanges are over in a moment; the person then sees the end and not a waiting page.
            drop(auth_sessions.wait_exchanged(&id, PATIENCE).await);
            to_result(&auth_sessions, &platform, &app, &id)
        }
        Err(CallbackError::Over(id)) => to_result(&auth_sessions, &platform, &app, &id),
        Err(CallbackError::Malformed) => to_trouble(&platform, &app, Trouble::UnknownLink),
        Err(CallbackError::Unknown) => to_trouble(&platform, &app, Trouble::LinkOver),
        Err(CallbackError::OtherBrowser) => to_trouble(&platform, &app, Trouble::OtherBrowser),
        Err(CallbackError::Store(error)) => busy(&error, language),
    }
}

/// A HEAD must not spend a code.
pub(super) async fn no_head() -> Problem {
    Problem::method_not_allowed()
}

fn callback_query(mut query: Query, code_names: &[&str], cookies: CookieStyle, headers: &HeaderMap) -> CallbackQuery {
    let state = query.take("state").filter(|state| state.expose().len() <= MAX_STATE);
    let cookie = state.as_ref().and_then(|state| cookies.find(headers, &flow_tag(state)));
    CallbackQuery {
        code: code_names.iter().find_map(|name| query.take(name)),
        error: query.take("error").is_some(),
        issuer: query.take("iss").map(|issuer| issuer.expose().to_owned()),
        state,
        cookie,
    }
}

/// On to a clean address: neither code nor state stay in the history or a referrer.
fn to_result(auth_sessions: &AuthSessions, platform: &PlatformId, app: &AppId, id: &AuthSessionId) -> Response {
    let token = auth_sessions.result_token(id);
    see_other(&format!("{}/result?r={}", base(platform, app), token.expose()))
}

/// Trouble is shown at a clean address, too.
fn to_trouble(platform: &PlatformId, app: &AppId, trouble: Trouble) -> Response {
    let mut response = see_other(&format!("{}/result?trouble={}", base(platform, app), trouble.word()));
    response.extensions_mut().insert(Why(trouble.word()));
    response
}

fn base(platform: &PlatformId, app: &AppId) -> String {
    let segment = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("/oauth/{}/{}", segment(platform.as_str()), segment(app.as_str()))
}

fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, location.to_owned())]).into_response()
}

pub(super) async fn result(
    State(auth_sessions): State<AuthSessions>,
    path: Place,
    RawQuery(raw): RawQuery,
    Reader(language): Reader,
) -> Response {
    let mut query = Query::parse(raw.as_deref());
    let word = query.as_mut().and_then(|query| query.take("trouble"));
    if let Some(trouble) = word.and_then(|word| Trouble::from_word(word.expose())) {
        let mut response = pages::trouble(trouble, language);
        // The refusal that led here was accounted for.
        response.extensions_mut().remove::<Why>();
        return response;
    }
    let token = query.and_then(|mut query| query.take("r"));
    let (Some((_, app)), Some(token)) = (place(&path), token) else {
        return pages::trouble(Trouble::UnknownLink, language);
    };
    match auth_sessions.result(&app, token.expose()).await {
        Ok(Some(session)) => pages::result(&session, language),
        Ok(None) => pages::trouble(Trouble::UnknownLink, language),
        Err(error) => busy(&error, language),
    }
}

fn busy(error: &dyn std::error::Error, language: Language) -> Response {
    tracing::error!(error = %error, "the store failed a person's page");
    pages::trouble(Trouble::Busy, language)
}
