//! The app's own token, by the call that gives every process the same one. It is never forced: that would kill what others use.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use serde_json::{Value, json};

use super::api::ask;
use super::config::WeChatConfig;
use super::errors::Meaning;
use crate::domain::clock::Clock;
use crate::platform::answer_fields::token;
use crate::platform::app_token::{AppToken, Fetch, FetchedToken, Shelf};
use crate::platform::effect::Effect;
use crate::platform::{PlatformCode, PlatformError};

/// The platform never gives more; what it gives beyond is not believed.
const LONGEST_LIFE: u64 = 7200;

/// The cached token of the app.
pub(super) fn stable_token(
    config: Arc<WeChatConfig>,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    shelf: Shelf,
) -> AppToken {
    let fetch: Fetch = Box::new(move || {
        let (config, http) = (Arc::clone(&config), http.clone());
        async move { fetch(&config, &http).await }.boxed()
    });
    AppToken::new(clock, fetch, shelf)
}

async fn fetch(config: &WeChatConfig, http: &reqwest::Client) -> Result<FetchedToken, PlatformError> {
    let body = json!({
        "grant_type": "client_credential",
        "appid": config.app_id.as_str(),
        "secret": config.app_secret.expose(),
        "force_refresh": false,
    });
    let request = http.post(config.address("/cgi-bin/stable_token")).json(&body);
    let object = ask(request, Effect::Harmless).await.map_err(|failure| match failure.meaning {
        // No token was sent; the platform says so of a wrong secret, too.
        Some(Meaning::StaleAppToken) => PlatformError::Misconfigured { code: PlatformCode::from(40_001) },
        _ => failure.error,
    })?;
    let token = token(object.get("access_token")).ok_or(PlatformError::Unavailable)?;
    let ttl = object.get("expires_in").and_then(Value::as_u64).unwrap_or(0).min(LONGEST_LIFE);
    if ttl == 0 {
        return Err(PlatformError::Unavailable);
    }
    Ok(FetchedToken { token, ttl: Duration::from_secs(ttl) })
}
