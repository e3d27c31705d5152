//! Feishu and Lark: one protocol, two sets of hosts.
//!
//! User tokens are `oauth` (with `device` and `identity`), messages are `messages`, what they show is [`cards`].
//! `errors` is the one table of the platform's error codes. Documents: the open platform's pages on
//! obtaining a user token, on messages, and on cards in JSON 2.0.

pub mod address;
mod api;
mod ask_card;
mod card_parts;
pub mod cards;
pub mod codec;
pub mod config;
mod device;
mod end_card;
pub mod endpoint;
mod errors;
pub mod events;
pub mod frame;
mod identity;
mod messages;
mod oauth;
pub mod parts;
pub mod protocol;
mod reply;
mod template_card;
mod tenant_token;
pub mod timing;
mod token_answer;
pub mod webhook;

#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod oauth_tests;
#[cfg(test)]
mod sandbox_tests;

use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::domain::ids::{InvalidId, PlatformId};
use crate::platform::app_token::Shelf;
use crate::platform::{Platform, Webhook};
use crate::stream::contract::Protocol;

use api::Api;
use config::FeishuConfig;
use messages::Messages;
use oauth::FeishuOAuth;

/// The platform's name in paths.
pub const PLATFORM_ID: &str = "feishu";

/// The two ways by which an app's events can come.
pub type Ways = (Option<Arc<dyn Protocol>>, Option<Arc<dyn Webhook>>);

/// Puts one app together. `http` comes from [`crate::platform::client::http_client`]; `protocol` opens its event
/// stream and `webhook` takes what is posted, if it is to have them; on the `shelf` the app's own token outlives the
/// process.
pub fn platform(
    config: FeishuConfig,
    http: reqwest::Client,
    (clock, shelf): (Arc<dyn Clock>, Shelf),
    (protocol, webhook): Ways,
) -> Result<Platform, InvalidId> {
    let id = PlatformId::parse(PLATFORM_ID)?;
    let config = Arc::new(config);
    let api = Arc::new(Api::new(http, &config));
    let tenant_token = tenant_token::tenant_token(Arc::clone(&api), Arc::clone(&config), clock, shelf);
    Ok(Platform {
        id,
        app: config.app_id.clone(),
        app_name: config.app_name.clone(),
        oauth: Some(Arc::new(FeishuOAuth::new(Arc::clone(&api), Arc::clone(&config)))),
        cards: Some(Arc::new(Messages::new(api, tenant_token, config.card.clone()))),
        identities: None,
        stream: protocol,
        webhook,
    })
}
