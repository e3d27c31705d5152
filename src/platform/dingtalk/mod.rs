//! DingTalk.
//!
//! User tokens are `oauth` (with `identity`), messages are `messages`, what they show is [`cards`]; events and taps come over
//! the stream (`protocol`, `codec`). `errors` is the one table of the platform's error codes. Documents: the open platform's
//! pages on obtaining a user token, on interactive cards, and on the stream protocol.

mod api;
mod app_token;
pub mod cards;
pub mod codec;
pub mod config;
pub mod endpoint;
mod errors;
mod events;
mod frame;
mod identity;
mod messages;
mod oauth;
pub mod protocol;
mod reply;
mod token_answer;

#[cfg(test)]
mod oauth_tests;
#[cfg(test)]
mod sandbox_tests;

use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::domain::ids::{InvalidId, PlatformId};
use crate::platform::Platform;
use crate::platform::app_token::Shelf;
use crate::stream::contract::Protocol;

use api::Api;
use config::DingTalkConfig;
use messages::Messages;
use oauth::DingTalkOAuth;

/// The platform's name in paths.
pub const PLATFORM_ID: &str = "dingtalk";

/// Puts one app together. `http` comes from [`crate::platform::client::http_client`]; `protocol` opens its event
/// stream, if it is to have one; on the `shelf` the app's own token outlives the process.
pub fn platform(
    config: DingTalkConfig,
    http: reqwest::Client,
    (clock, shelf): (Arc<dyn Clock>, Shelf),
    protocol: Option<Arc<dyn Protocol>>,
) -> Result<Platform, InvalidId> {
    let id = PlatformId::parse(PLATFORM_ID)?;
    let config = Arc::new(config);
    let api = Arc::new(Api { http, base: config.open_base.clone() });
    let app_token = app_token::app_token(Arc::clone(&api), Arc::clone(&config), clock, shelf);
    Ok(Platform {
        id,
        app: config.app_id.clone(),
        app_name: config.app_name.clone(),
        oauth: Some(Arc::new(DingTalkOAuth { api: Arc::clone(&api), config: Arc::clone(&config) })),
        cards: Some(Arc::new(Messages::new(api, config, app_token))),
        identities: None,
        stream: protocol,
        webhook: None,
    })
}
