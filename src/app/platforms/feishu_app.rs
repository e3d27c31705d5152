//! Builds an app on Feishu or Lark from its part of the configuration.

use std::sync::Arc;

use super::hosts;
use crate::app::Ambient;
use crate::config::{App, Auth, OAuthVersion};
use crate::platform::app_token::Shelf;
use crate::platform::feishu::config::{self, CardOptions, FeishuConfig, OAuthVersion as FeishuOAuthVersion};
use crate::platform::feishu::webhook::{FeishuWebhook, Keys};
use crate::platform::feishu::{self, cards, codec::Renderer, endpoint::Endpoint, protocol::FeishuProtocol};
use crate::platform::{Platform, Webhook, client};

pub(super) fn build(app: &App, auth: &Auth, ambient: &Ambient, shelf: Shelf) -> Result<Platform, String> {
    let known = config::hosts(app.domain.as_deref()).ok_or("domain must be feishu or lark");
    let (open_base, accounts_base) = hosts(app, known)?;
    let card = CardOptions {
        include_description: auth.card_include_description,
        template_id: app.card_template_id.clone().or_else(|| auth.card_template_id.clone()),
        custom_message: app.custom_message.clone(),
        privacy_url: app.privacy_url.clone(),
    };
    let (tls, http) = client::clients(app.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let options = card.clone();
    let renderer = Renderer { toast: cards::toast, card: Arc::new(move |card| cards::card(&options, card)) };
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
    let webhook = webhook(app, &protocol.renderer, ambient);
    let kept = (Arc::clone(&ambient.clock), shelf);
    feishu::platform(config, http, kept, (Some(protocol), webhook)).map_err(|error| error.to_string())
}

/// With the app's own encrypt key, and not without one.
fn webhook(app: &App, renderer: &Renderer, ambient: &Ambient) -> Option<Arc<dyn Webhook>> {
    let encrypt_key = app.encrypt_key.clone()?;
    let keys = Keys { encrypt_key, verification_token: app.verification_token.clone() };
    let clock = Arc::clone(&ambient.clock);
    Some(Arc::new(FeishuWebhook::new(app.app_id.clone(), keys, renderer.clone(), clock)))
}
