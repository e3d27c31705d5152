//! WeChat mini-programs: people log in by a code that their client is given. There are no user tokens, no cards and no events.
//!
//! `identities` is the capability; `login`, `session`, `phone_number` and `share_code` are its calls, [`open_data`] and `proof` what
//! is done with a session key. `stable_token` is the app's own token. `errors` is the one table of the platform's error codes.
//! Documents: the platform's pages on `code2Session`, on checking and opening open data, on `getStableAccessToken` and on
//! `getUnlimitedQRCode`.

mod api;
pub mod config;
mod errors;
mod identities;
mod login;
pub mod open_data;
mod phone_number;
mod proof;
mod reply;
mod session;
mod share_code;
mod stable_token;

#[cfg(test)]
mod sandbox_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::domain::ids::{InvalidId, PlatformId};
use crate::platform::Platform;
use crate::platform::app_token::Shelf;

use api::Api;
use config::WeChatConfig;
use identities::WeChatIdentities;

/// The platform's name in paths.
pub const PLATFORM_ID: &str = "wechat";

/// Puts one mini-program together. `http` comes from [`crate::platform::client::http_client`]; on the `shelf` the app's own
/// token outlives the process.
pub fn platform(
    config: WeChatConfig,
    http: reqwest::Client,
    (clock, shelf): (Arc<dyn Clock>, Shelf),
) -> Result<Platform, InvalidId> {
    let config = Arc::new(config);
    let token = stable_token::stable_token(Arc::clone(&config), http.clone(), clock, shelf);
    Ok(Platform {
        id: PlatformId::parse(PLATFORM_ID)?,
        app: config.app_id.clone(),
        app_name: config.app_name.clone(),
        oauth: None,
        cards: None,
        identities: Some(Arc::new(WeChatIdentities { api: Api { http, config, token } })),
        stream: None,
        webhook: None,
    })
}
