//! What one app needs to know. Plain and already checked: the configuration builds it and answers for it.

use url::Url;

use crate::domain::ids::{AppId, TenantKey};
use crate::domain::secret::Secret;

/// One app on DingTalk.
#[derive(Debug, Clone)]
pub struct DingTalkConfig {
    /// The app's client id: its `AppKey`, or `SuiteKey` where others install it.
    pub app_id: AppId,
    /// The secret that goes with it.
    pub app_secret: Secret,
    /// The app's name to show to people.
    pub app_name: String,
    /// Where the open API is, e.g. `https://api.dingtalk.com`.
    pub open_base: Url,
    /// Where people log in, e.g. `https://login.dingtalk.com`.
    pub login_base: Url,
    /// The organisation (corp id), where it is known.
    pub corp: Option<TenantKey>,
    /// Which organisations a person can choose from when they consent.
    pub org_login: OrgLogin,
    /// Whose app it is.
    pub kind: AppKind,
    /// The robot that brings the cards.
    pub robot_code: String,
    /// What cards look like.
    pub card: CardOptions,
}

/// Which organisations a person can choose from when they consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrgLogin {
    /// Any that they belong to; the app's own is chosen beforehand.
    #[default]
    Any,
    /// Those that they manage.
    Managed,
    /// The app's own, with an account that belongs to it alone.
    Exclusive,
}

/// Whose app it is: it decides how the app's own token is fetched.
#[derive(Debug, Clone)]
pub enum AppKind {
    /// The organisation's own.
    InHouse,
    /// Somebody else's, installed in the organisation.
    ThirdParty {
        /// The ticket that the platform gave the app's makers.
        suite_ticket: Secret,
        /// Where it is installed.
        corp: TenantKey,
    },
}

/// What the card looks like.
#[derive(Debug, Clone)]
pub struct CardOptions {
    /// The card template, `….schema`; the documentation says which variables it has to have.
    pub template_id: String,
    /// Whether the card that asks lists the permissions, or only counts them.
    pub include_description: bool,
    /// A sentence of the operator's, shown as it is and never as markup.
    pub custom_message: Option<String>,
    /// Where the privacy policy is.
    pub privacy_url: Option<Url>,
}

/// The open API's and the login host of a domain, mainland China's if none is named.
#[must_use]
pub fn hosts(domain: Option<&str>) -> Option<(&'static str, &'static str)> {
    match domain {
        None | Some("dingtalk.com") => Some(("https://api.dingtalk.com", "https://login.dingtalk.com")),
        Some("dingtalk.io") => Some(("https://api.dingtalk.io", "https://login.dingtalk.io")),
        Some(_) => None,
    }
}
