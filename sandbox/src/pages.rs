//! Everything a person sees in a browser: the chat, the consent pages and the files that they load.
//!
//! What it is: views in, HTML out. It decides nothing: which person is signed in, which scopes are asked and
//! what a decision does is the caller's business. It must not know the world, HTTP or the clock.
//!
//! What the caller promises:
//! * [`asset`] is served under `/assets/`, and every page with [`CONTENT_SECURITY_POLICY`]. No page holds inline
//!   script or style, so the policy needs no exception.
//! * The consent forms POST to `form_action`: the `hidden` fields, `as=<open_id>` (who consents) and
//!   `decision=allow|deny`. A device page without a user code sends `GET form_action?…hidden…&user_code=…` instead.
//! * Cookies: `sandbox_person` (set by the chat) and `sandbox_lang` (`zh` or `en`, set by the language switch).
//!   [`Lang::choose`] gives the language to render in; the switch then works in the browser alone, since every page
//!   carries both languages.

mod assets;
mod lang;
#[cfg(test)]
mod tests;

use askama::Template;

pub use assets::asset;
pub use lang::Lang;

/// The `Content-Security-Policy` header for every page of this module.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One permission on a consent page: its name on the wire and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeLine {
    /// The scope as the app asks for it, such as `contact:user.base:readonly`.
    pub name: String,
    /// What it allows, in Chinese.
    pub words_zh: String,
    /// What it allows, in English.
    pub words_en: String,
}

/// A person as the pages draw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// The id that goes back as `as=<open_id>`.
    pub open_id: String,
    /// The name to show.
    pub name: String,
    /// The avatar's colour, any CSS colour such as `#0f766e`.
    pub color: String,
}

impl PersonView {
    /// The letter on the avatar.
    fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// The page of the authorization code flow: an app asks a person for permissions.
#[derive(Clone, Debug, Template)]
#[template(path = "authorize.html")]
pub struct AuthorizePage {
    /// The app that asks.
    pub app_name: String,
    /// What it asks for; empty means basic identity only.
    pub scopes: Vec<ScopeLine>,
    /// Who is signed in (the cookie `sandbox_person`): preselected in the account picker.
    pub person: PersonView,
    /// Whom the account picker offers.
    pub people: Vec<PersonView>,
    /// Where the form POSTs to.
    pub form_action: String,
    /// Fields that come back unchanged.
    pub hidden: Vec<(String, String)>,
    /// The language to start in.
    pub lang: Lang,
}

/// The page of the device flow: the same question, for a code that another device shows.
#[derive(Clone, Debug, Template)]
#[template(path = "device.html")]
pub struct DevicePage {
    /// The app that asks.
    pub app_name: String,
    /// What it asks for; empty means basic identity only.
    pub scopes: Vec<ScopeLine>,
    /// Who is signed in (the cookie `sandbox_person`): preselected in the account picker.
    pub person: PersonView,
    /// Whom the account picker offers.
    pub people: Vec<PersonView>,
    /// Where the form goes: POST with a decision, or GET with a `user_code` if none is known yet.
    pub form_action: String,
    /// Fields that come back unchanged.
    pub hidden: Vec<(String, String)>,
    /// The language to start in.
    pub lang: Lang,
    /// The code to compare; `None` makes the page ask for it (app, scopes and people are then not drawn).
    pub user_code: Option<String>,
}

/// An authorization that ended on the page: no redirect, the app never hears of it.
#[derive(Clone, Debug, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    /// The platform's code, such as 20029. Known codes get a line on how to mend it.
    pub code: String,
    /// What happened, in `lang`.
    pub title: String,
    /// Details, in `lang`.
    pub text: String,
    /// The language to start in.
    pub lang: Lang,
}

/// The end of the device flow in the browser.
#[derive(Clone, Debug, Template)]
#[template(path = "done.html")]
pub struct DonePage {
    /// Whether the person allowed it.
    pub approved: bool,
    /// The language to start in.
    pub lang: Lang,
}

/// The consent page of the authorization code flow.
#[must_use]
pub fn authorize(page: &AuthorizePage) -> String {
    render(page)
}

/// The consent page of the device flow, or its form for the user code.
#[must_use]
pub fn device(page: &DevicePage) -> String {
    render(page)
}

/// The page of a refused authorization request.
#[must_use]
pub fn problem(page: &ProblemPage) -> String {
    render(page)
}

/// The page after a decision in the device flow.
#[must_use]
pub fn done(page: &DonePage) -> String {
    render(page)
}

/// The chat page, for `GET /`.
#[must_use]
pub fn chat() -> &'static str {
    include_str!("../web/chat.html")
}

/// The chat page that looks like DingTalk's, for `GET /dingtalk`: the same page with other colours, asking another platform.
#[must_use]
pub fn dingtalk_chat() -> String {
    chat()
        .replace("<body class=\"chat\">", "<body class=\"chat dingtalk\" data-base=\"/dingtalk\">")
        .replace(
            "href=\"/assets/card.css\">",
            "href=\"/assets/card.css\">\n<link rel=\"stylesheet\" href=\"/assets/dingtalk.css\">",
        )
        .replace("<a class=\"brand\" href=\"/\">", "<a class=\"brand\" href=\"/dingtalk\">")
        .replace("聊天 · Cardkey", "钉钉聊天 · Cardkey")
        .replace("Chat · Cardkey", "DingTalk chat · Cardkey")
}

/// The page that plays a mini-program in WeChat, for `GET /wechat`.
#[must_use]
pub fn mini_program() -> &'static str {
    include_str!("../web/wechat.html")
}

/// How to mend a problem in the sandbox, in Chinese and English.
fn advice(code: &str) -> Option<(&'static str, &'static str)> {
    match code {
        "20010" | "invalidUser" => Some((
            "此人不在应用的可用范围内，或账号已停用。换一个人，或通过控制接口修改此人。",
            "This person is outside the app's availability range or disabled. Pick somebody else, or change the person through the control API.",
        )),
        "20027" | "invalidScope" => Some((
            "应用请求了自己没有的权限。请修改请求的 scope，或在沙盒中给应用加上该权限。",
            "The app asks for a scope that it does not have. Ask for less, or give the app the scope in the sandbox.",
        )),
        "20029" | "invalidRedirectUri" => Some((
            "redirect_uri 未在应用中登记。请核对网关的公开地址与沙盒中登记的地址。",
            "The redirect_uri is not registered for the app. Compare the gateway's public address with the ones registered in the sandbox.",
        )),
        _ => None,
    }
}

/// The first letter of a name, for avatars.
fn initial(name: &str) -> String {
    name.trim().chars().next().map_or_else(|| "?".to_owned(), |letter| letter.to_uppercase().collect())
}

/// Writing to a `String` cannot fail; should a template ever, the page says so.
fn render(page: &impl Template) -> String {
    page.render().unwrap_or_else(|error| format!("this page cannot be drawn: {error}"))
}
