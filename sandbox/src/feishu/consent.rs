//! What the authorize page and the device page share: who may consent to what, and what the pages say instead.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::scopes;
use crate::pages::{self, Lang, ProblemPage, ScopeLine};
use crate::viewer::html;
use crate::world::State;
use crate::world::apps::App;
use crate::world::people::PersonId;

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
        let page = ProblemPage { code: self.code.to_string(), title: title.to_owned(), text: self.about.clone(), lang };
        (StatusCode::BAD_REQUEST, html(pages::problem(&page))).into_response()
    }
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
