//! `[[apps]]`: the apps that the gateway serves.

use std::collections::HashSet;
use std::path::PathBuf;

use url::Url;

use super::reader::Reader;
use super::sections::is_loopback;
use crate::domain::ids::{AppId, PlatformId, TenantKey};
use crate::domain::refresh_plan::Policy;
use crate::domain::secret::Secret;

/// One app.
#[derive(Debug)]
pub struct App {
    /// The platform it is registered with; `app.rs` knows which exist.
    pub platform: PlatformId,
    /// Its id there.
    pub app_id: AppId,
    /// Its secret there.
    pub app_secret: Secret,
    /// What the platform seals and signs its webhooks with; absent: it takes none.
    pub encrypt_key: Option<Secret>,
    /// What they name, if that is to be checked.
    pub verification_token: Option<Secret>,
    /// Its name to show to people.
    pub name: String,
    /// Which of the platform's clouds: a word that the platform knows.
    pub domain: Option<String>,
    /// Base of the open API, in place of the domain's.
    pub open_url: Option<Url>,
    /// Base of the accounts host, in place of the domain's.
    pub accounts_url: Option<Url>,
    /// The only CA to trust for this app.
    pub ca_file: Option<PathBuf>,
    /// The organisation; absent: learnt from the app's first event, then pinned.
    pub tenant_key: Option<TenantKey>,
    /// How authorizations come back.
    pub code: CodeChoice,
    /// For [`CodeChoice::Paste`]: where the page that shows the code is.
    pub redirect_uri: Option<Url>,
    /// Which OAuth endpoints.
    pub oauth_version: OAuthVersion,
    /// Which grants are refreshed ahead.
    pub refresh: Policy,
    /// What happens when another browser finishes than began.
    pub browser_binding: Binding,
    /// The card template of this app, in place of the one for all apps.
    pub card_template_id: Option<String>,
    /// The robot that brings the cards, where it is not called as the app is.
    pub robot_code: Option<String>,
    /// Which organisations a person can choose from when they consent.
    pub org_login: OrgLogin,
    /// The ticket of an app that somebody else made and that is installed in the organisation.
    pub suite_ticket: Option<Secret>,
    /// Linked from the card.
    pub privacy_url: Option<Url>,
    /// A sentence of the operator's on the card.
    pub custom_message: Option<String>,
}

/// How authorizations come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeChoice {
    /// By the browser's redirect to our callback.
    Redirect,
    /// By the device authorization grant: outbound connections only.
    Device,
    /// By the person, who pastes the code into the card.
    Paste,
    /// Not at all: nobody is asked under this app.
    None,
}

/// Which OAuth endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthVersion {
    /// The current ones.
    V3,
    /// The ones before.
    V2,
}

/// Which organisations a person can choose from when they consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgLogin {
    /// Any that they belong to.
    Any,
    /// Those that they manage.
    Managed,
    /// The app's own, with an account that belongs to it alone.
    Exclusive,
}

/// What happens when another browser finishes than began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// It is logged and goes on: people move from an in-app browser to another. The person is checked all the same.
    Warn,
    /// It is refused.
    Strict,
}

/// Reads all apps.
pub(super) fn load(reader: &mut Reader<'_>, demo: bool) -> Vec<App> {
    let configured = reader.has("apps");
    let read = reader.sections("apps", |app| load_app(app, demo));
    if !configured {
        reader.problem(
            "apps",
            "is missing: configure one app at least (CARDKEY_APP__APP_ID and CARDKEY_APP__APP_SECRET)",
        );
    }
    let apps: Vec<App> = read.into_iter().flatten().collect();
    let mut seen = HashSet::new();
    for app in &apps {
        if !seen.insert(app.app_id.clone()) {
            reader.problem("apps", format!("names app {} twice", app.app_id));
        }
    }
    apps
}

fn load_app(reader: &mut Reader<'_>, demo: bool) -> Option<App> {
    let app_id = reader.required_text("app_id").and_then(|text| id(reader, "app_id", &text, AppId::parse));
    let secret = reader.required_text("app_secret");
    if let Some(secret) = &secret
        && !demo
        && is_placeholder(secret)
    {
        reader.problem("app_secret", "is a placeholder: put in the app's own secret from the platform's console");
    }
    let platform = reader.text("platform").unwrap_or_else(|| "feishu".to_owned());
    let platform = id(reader, "platform", &platform, PlatformId::parse);
    let tenant_key = reader.text("tenant_key").and_then(|text| id(reader, "tenant_key", &text, TenantKey::parse));
    let code = reader.word(
        "code",
        &[
            ("redirect", CodeChoice::Redirect),
            ("device", CodeChoice::Device),
            ("paste", CodeChoice::Paste),
            ("none", CodeChoice::None),
        ],
    );
    let name = reader.text("name");
    let (encrypt_key, verification_token) = webhook_secrets(reader, demo);
    let app = App {
        platform: platform?,
        name: name.or_else(|| app_id.as_ref().map(ToString::to_string)).unwrap_or_default(),
        app_id: app_id.clone().unwrap_or_else(placeholder_id),
        app_secret: Secret::new(secret.clone().unwrap_or_default()),
        encrypt_key,
        verification_token,
        domain: reader.text("domain"),
        open_url: base_url(reader, "open_url"),
        accounts_url: base_url(reader, "accounts_url"),
        ca_file: reader.text("ca_file").map(PathBuf::from),
        tenant_key,
        code: code.unwrap_or(CodeChoice::Redirect),
        redirect_uri: page_url(reader, "redirect_uri"),
        oauth_version: reader
            .word("oauth_version", &[("v3", OAuthVersion::V3), ("v2", OAuthVersion::V2)])
            .unwrap_or(OAuthVersion::V3),
        refresh: reader
            .word("refresh", &[("active", Policy::Active), ("eager", Policy::Eager)])
            .unwrap_or(Policy::Active),
        browser_binding: reader
            .word("browser_binding", &[("warn", Binding::Warn), ("strict", Binding::Strict)])
            .unwrap_or(Binding::Warn),
        card_template_id: reader.text("card_template_id"),
        robot_code: reader.text("robot_code"),
        org_login: reader
            .word(
                "org_login",
                &[("any", OrgLogin::Any), ("managed", OrgLogin::Managed), ("exclusive", OrgLogin::Exclusive)],
            )
            .unwrap_or(OrgLogin::Any),
        suite_ticket: reader.text("suite_ticket").map(Secret::new),
        privacy_url: page_url(reader, "privacy_url"),
        custom_message: reader.text("custom_message"),
    };
    if app.open_url.is_some() != app.accounts_url.is_some() {
        reader.problem("open_url", "and accounts_url must be set together");
    }
    (app_id.is_some() && secret.is_some()).then_some(app)
}

/// A token alone would let in what nobody signed.
fn webhook_secrets(reader: &mut Reader<'_>, demo: bool) -> (Option<Secret>, Option<Secret>) {
    let [key, token] = ["encrypt_key", "verification_token"].map(|name| {
        let text = reader.text(name);
        if text.as_deref().is_some_and(|text| !demo && is_placeholder(text)) {
            reader.problem(name, "is a placeholder, or too short: put in the app's own from the platform's console");
        }
        text
    });
    if key.is_none() && token.is_some() {
        reader.problem("verification_token", "needs encrypt_key: webhooks that are not signed are not taken");
    }
    (key.map(Secret::new), token.map(Secret::new))
}

/// Never leaves this module: an app without an id is dropped after its other keys were checked.
#[expect(clippy::expect_used, reason = "a constant that is an identifier")]
fn placeholder_id() -> AppId {
    AppId::parse("-").expect("one printable character")
}

fn id<T, E: std::fmt::Display>(
    reader: &mut Reader<'_>,
    key: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    parse(text).map_err(|error| reader.problem(key, error.to_string())).ok()
}

/// An origin: https, or http on this machine (the sandbox).
fn base_url(reader: &mut Reader<'_>, key: &str) -> Option<Url> {
    let url: Url = reader.parsed(key, "an https:// address")?;
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if scheme && bare && url.has_host() && url.username().is_empty() && url.password().is_none() {
        return Some(url);
    }
    reader.problem(key, "must be https:// (http:// only for this machine) and a host, nothing more");
    None
}

/// A page: https, or http on this machine.
fn page_url(reader: &mut Reader<'_>, key: &str) -> Option<Url> {
    let url: Url = reader.parsed(key, "an https:// address")?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        return Some(url);
    }
    reader.problem(key, "must be https:// (http:// only for this machine)");
    None
}

/// What people leave in place of a secret.
const PLACEHOLDER_MARKS: &[&str] =
    &["changeme", "change-me", "change_me", "placeholder", "your-", "your_", "example", "sandbox-secret", "<", "xxxx"];

fn is_placeholder(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    lower.len() < 8 || PLACEHOLDER_MARKS.iter().any(|mark| lower.contains(mark))
}
