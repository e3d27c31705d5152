//! The registry of platforms: a name in the configuration, and the function that builds an app of it.

mod dingtalk_app;
mod feishu_app;
mod wechat_app;

use std::sync::Arc;

use url::Url;

use super::app_tokens::AppTokens;
use super::{Ambient, StartError};
use crate::auth_session::AppWay;
use crate::config::{App, Auth, Binding, CodeChoice, Config};
use crate::domain::ids::TenantKey;
use crate::platform::app_token::Shelf;
use crate::platform::{Asking, Platform, dingtalk, feishu, wechat};

/// One app, put together.
pub(super) struct Built {
    pub(super) platform: Platform,
    /// The same for asking people, and how authorizations come back, if people can be asked under it.
    pub(super) asking: Option<(Arc<Asking>, AppWay)>,
    pub(super) tenant: Option<TenantKey>,
}

type Build = fn(&App, &Auth, &Ambient, Shelf) -> Result<Platform, String>;

/// Every platform. A new one adds its line here.
const REGISTRY: &[(&str, Build)] = &[
    (feishu::PLATFORM_ID, feishu_app::build),
    (dingtalk::PLATFORM_ID, dingtalk_app::build),
    (wechat::PLATFORM_ID, wechat_app::build),
];

/// Builds every configured app.
pub(super) fn build(config: &Config, ambient: &Ambient, tokens: &AppTokens) -> Result<Vec<Built>, StartError> {
    config.apps.iter().map(|app| build_one(app, config, ambient, tokens.shelf(&app.app_id))).collect()
}

fn build_one(app: &App, config: &Config, ambient: &Ambient, shelf: Shelf) -> Result<Built, StartError> {
    let failed = |reason: String| StartError::App { app: app.app_id.to_string(), reason };
    let known = REGISTRY.iter().find(|(name, _)| *name == app.platform.as_str());
    let (_, build) = known.ok_or_else(|| failed(format!("there is no platform called {}", app.platform)))?;
    let platform = build(app, &config.auth, ambient, shelf).map_err(failed)?;
    let asking = platform.asking().map(Arc::new).zip(way(app, config.server.public_url.as_ref()));
    Ok(Built { platform, asking, tenant: app.tenant_key.clone() })
}

/// The app's way with the addresses that belong to it, if it has one. The configuration made sure that a needed public
/// address is there.
fn way(app: &App, public_url: Option<&Url>) -> Option<AppWay> {
    let base = public_url.map(|url| url.as_str().trim_end_matches('/').to_owned()).unwrap_or_default();
    let place = format!("{base}/oauth/{}/{}", app.platform, app.app_id);
    Some(match app.code {
        CodeChoice::None => return None,
        CodeChoice::Redirect => AppWay::Redirect {
            start_url: format!("{place}/start"),
            redirect_uri: format!("{place}/callback"),
            strict: app.browser_binding == Binding::Strict,
        },
        CodeChoice::Device => AppWay::Device,
        CodeChoice::Paste => AppWay::Paste {
            redirect_uri: app.redirect_uri.as_ref().map_or_else(|| format!("{place}/code"), Url::to_string),
        },
    })
}

/// The open and the accounts host: as configured, or those of the app's domain.
fn hosts(app: &App, of_domain: Result<(&str, &str), &str>) -> Result<(Url, Url), String> {
    if let (Some(open), Some(accounts)) = (&app.open_url, &app.accounts_url) {
        return Ok((open.clone(), accounts.clone()));
    }
    let (open, accounts) = of_domain?;
    let parse = |text: &str| Url::parse(text).map_err(|error| error.to_string());
    Ok((parse(open)?, parse(accounts)?))
}
