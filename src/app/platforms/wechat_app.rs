//! Builds a WeChat mini-program from its part of the configuration.

use std::sync::Arc;

use url::Url;

use crate::app::Ambient;
use crate::config::{App, Auth, CodeChoice};
use crate::platform::app_token::Shelf;
use crate::platform::wechat::{self, config::WeChatConfig};
use crate::platform::{Platform, client};

pub(super) fn build(app: &App, _: &Auth, ambient: &Ambient, shelf: Shelf) -> Result<Platform, String> {
    if app.code != CodeChoice::None {
        return Err("code must be none: a mini-program has no user tokens".to_owned());
    }
    let (_, http) = client::clients(app.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let base = app.open_url.clone().map_or_else(|| Url::parse(wechat::config::BASE), Ok);
    let config = WeChatConfig {
        app_id: app.app_id.clone(),
        app_secret: app.app_secret.clone(),
        app_name: app.name.clone(),
        base: base.map_err(|error| error.to_string())?,
    };
    wechat::platform(config, http, (Arc::clone(&ambient.clock), shelf)).map_err(|error| error.to_string())
}
