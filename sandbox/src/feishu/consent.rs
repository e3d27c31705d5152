//! What the authorize page and the device page share: who is looking, who could consent, and how pages are sent.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{Feishu, scopes};
use crate::pages::{self, CONTENT_SECURITY_POLICY, Lang, PersonView, ProblemPage, ScopeLine};
use crate::world::State;
use crate::world::apps::App;
use crate::world::people::{Person, PersonId};

/// The most people that the account picker offers.
const PICKER: usize = 30;

/// Who looks at a page.
pub struct Viewer {
    /// The person that the chat page last played, or the first one.
    pub person: PersonView,
    /// Who could consent instead.
    pub people: Vec<PersonView>,
    /// The language of the page.
    pub lang: Lang,
}

/// Reads who is looking off the cookies.
pub fn viewer(feishu: &Feishu, headers: &HeaderMap) -> Viewer {
    let state = feishu.world.lock();
    let chosen = cookie(headers, "sandbox_person").and_then(|open_id| state.people.find(&open_id));
    let here = || state.people.iter().filter(|person| !person.removed);
    let person = chosen.map(|id| state.people.get(id)).or_else(|| here().next());
    let mut people: Vec<PersonView> = here().take(PICKER).map(view).collect();
    if let Some(person) = person.filter(|person| people.iter().all(|one| one.open_id != person.open_id)) {
        people.push(view(person));
    }
    let nobody = PersonView { open_id: String::new(), name: String::new(), color: "#888888".to_owned() };
    Viewer { person: person.map_or(nobody, view), people, lang: lang(headers, person) }
}

fn lang(headers: &HeaderMap, person: Option<&Person>) -> Lang {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Lang::choose(cookie(headers, "sandbox_lang").as_deref(), person.map(|person| person.locale.as_str()), accept)
}

fn view(person: &Person) -> PersonView {
    PersonView { open_id: person.open_id.clone(), name: person.name.clone(), color: person.color.clone() }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let pairs = all.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// Scopes as the pages show them.
#[must_use]
pub fn lines(names: &[String]) -> Vec<ScopeLine> {
    names.iter().map(|name| scopes::line(name)).collect()
}

/// Why an authorization ends on the page: no redirect, the app never hears of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{zh} / {en} ({code})")]
pub struct PageProblem {
    /// The platform's code.
    pub code: i64,
    /// What happened, in Chinese.
    pub zh: &'static str,
    /// What happened, in English.
    pub en: &'static str,
    /// What it is about: a scope, an address.
    pub about: String,
}

impl PageProblem {
    /// A problem about `about`.
    #[must_use]
    pub fn new(code: i64, about: &str) -> Self {
        let (zh, en) = match code {
            20001 => ("缺少必要参数", "A parameter is missing"),
            20003 => ("验证码不存在", "There is no such code"),
            20004 => ("验证码已过期", "The code has expired"),
            20009 => ("应用未安装", "The app is not installed"),
            20010 => ("你无权使用该应用", "You may not use this app"),
            20027 => ("应用未开通所请求的权限", "The app does not have the permission it asks for"),
            20029 => ("重定向地址不合法", "The redirect address is not registered"),
            20048 => ("应用不存在", "There is no such app"),
            20063 => ("参数格式错误", "A parameter is malformed"),
            20065 => ("验证码已被使用", "The code has been used"),
            20066 => ("账号状态异常", "The account is not in a normal state"),
            20069 => ("应用未启用", "The app is not enabled"),
            _ => ("授权失败", "The authorization failed"),
        };
        Self { code, zh, en, about: about.to_owned() }
    }

    /// The page, with status 400.
    #[must_use]
    pub fn page(&self, lang: Lang) -> Response {
        let title = match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        };
        let page = ProblemPage { code: self.code, title: title.to_owned(), text: self.about.clone(), lang };
        (StatusCode::BAD_REQUEST, html(pages::problem(&page))).into_response()
    }
}

/// A page with its content security policy.
pub fn html(text: impl Into<String>) -> Response {
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text.into())).into_response()
}

/// The app that asks, if it may.
pub fn asking_app<'a>(state: &'a State, app_id: &str, scopes: &[String]) -> Result<&'a App, PageProblem> {
    let app = state.apps.get(app_id).ok_or_else(|| PageProblem::new(20048, app_id))?;
    if !app.enabled {
        return Err(PageProblem::new(20069, app_id));
    }
    if !app.installed {
        return Err(PageProblem::new(20009, app_id));
    }
    match scopes.iter().find(|scope| !app.may_ask(scope)) {
        Some(scope) => Err(PageProblem::new(20027, scope)),
        None => Ok(app),
    }
}

/// The person who decides, if they may.
pub fn deciding_person(state: &State, app: &App, open_id: &str) -> Result<PersonId, PageProblem> {
    let id = state.people.find(open_id).ok_or_else(|| PageProblem::new(20001, "as"))?;
    let person = state.people.get(id);
    if person.barred() || person.removed {
        return Err(PageProblem::new(20066, &person.name));
    }
    if !person.available || person.tenant_key != app.tenant_key {
        return Err(PageProblem::new(20010, &person.name));
    }
    Ok(id)
}
