//! The registry of platforms: a name in the configuration, and the function that builds an app of it.

mod dingtalk_app;

use std::sync::Arc;

use url::Url;

use super::app_tokens::AppTokens;
use super::{Ambient, StartError};
use crate::auth_session::AppWay;
use crate::config::{App, Auth, Binding, CodeChoice, Config, OAuthVersion};
use crate::domain::ids::TenantKey;
use crate::platform::app_token::Shelf;
use crate::platform::dingtalk;
use crate::platform::feishu::config::{CardOptions, FeishuConfig, OAuthVersion as FeishuOAuthVersion};
use crate::platform::feishu::webhook::{FeishuWebhook, Keys};
use crate::platform::feishu::{self, codec::Renderer, endpoint::Endpoint, protocol::FeishuProtocol};
use crate::platform::wechat::{self, config::WeChatConfig};
use crate::platform::{Asking, Platform, Webhook, client};

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
    (feishu::PLATFORM_ID, build_feishu),
    (dingtalk::PLATFORM_ID, dingtalk_app::build),
    (wechat::PLATFORM_ID, build_wechat),
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

fn build_feishu(app: &App, auth: &Auth, ambient: &Ambient, shelf: Shelf) -> Result<Platform, String> {
    let known = feishu::config::hosts(app.domain.as_deref()).ok_or("domain must be feishu or lark");
    let (open_base, accounts_base) = hosts(app, known)?;
    let card = CardOptions {
        include_description: auth.card_include_description,
        template_id: app.card_template_id.clone().or_else(|| auth.card_template_id.clone()),
        custom_message: app.custom_message.clone(),
        privacy_url: app.privacy_url.clone(),
    };
    let (tls, http) = client::clients(app.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let options = card.clone();
    let renderer =
        Renderer { toast: feishu::cards::toast, card: Arc::new(move |card| feishu::cards::card(&options, card)) };
    let endpoint = Endpoint {
        base: open_base.clone(),
        app: app.app_id.clone(),
        secret: app.app_secret.clone(),
        http: http.clone(),
    };
    let config = FeishuConfig {
        app_id: app.app_id.clone(),
        app_secret: app.app_secret.clone(),
        app_name: app.name.clone(),
        open_base,
        accounts_base,
        oauth_version: match app.oauth_version {
            OAuthVersion::V3 => FeishuOAuthVersion::V3,
            OAuthVersion::V2 => FeishuOAuthVersion::V2,
        },
        card,
    };
    let protocol = Arc::new(FeishuProtocol { endpoint, tls, renderer });
    let webhook = feishu_webhook(app, &protocol.renderer, ambient);
    let kept = (Arc::clone(&ambient.clock), shelf);
    feishu::platform(config, http, kept, (Some(protocol), webhook)).map_err(|error| error.to_string())
}

/// With the app's own encrypt key, and not without one.
fn feishu_webhook(app: &App, renderer: &Renderer, ambient: &Ambient) -> Option<Arc<dyn Webhook>> {
    let encrypt_key = app.encrypt_key.clone()?;
    let keys = Keys { encrypt_key, verification_token: app.verification_token.clone() };
    let clock = Arc::clone(&ambient.clock);
    Some(Arc::new(FeishuWebhook::new(app.app_id.clone(), keys, renderer.clone(), clock)))
}

fn build_wechat(app: &App, _: &Auth, ambient: &Ambient, shelf: Shelf) -> Result<Platform, String> {
    if app.code != CodeChoice::None {
        return Err("code must be none: a mini-program has no user tokens".to_owned());
    }
    let tls = client::rustls_config(app.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let http = client::http_client(&tls).map_err(|error| error.to_string())?;
    let base = app.open_url.clone().map_or_else(|| Url::parse(wechat::config::BASE), Ok);
    let config = WeChatConfig {
        app_id: app.app_id.clone(),
        app_secret: app.app_secret.clone(),
        app_name: app.name.clone(),
        base: base.map_err(|error| error.to_string())?,
    };
    wechat::platform(config, http, (Arc::clone(&ambient.clock), shelf)).map_err(|error| error.to_string())
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
