//! The app's own token, which messages are sent with.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use serde_json::{Value, json};

use super::api::Api;
use super::config::FeishuConfig;
use crate::domain::clock::Clock;
use crate::platform::PlatformError;
use crate::platform::answer_fields::token;
use crate::platform::app_token::{AppToken, Fetch, FetchedToken, Shelf};
use crate::platform::effect::Effect;

/// The platform never gives more; what it gives beyond is not believed.
const LONGEST_LIFE: u64 = 7200;

/// The cached token of the app.
pub(super) fn tenant_token(api: Arc<Api>, config: Arc<FeishuConfig>, clock: Arc<dyn Clock>, shelf: Shelf) -> AppToken {
    let fetch: Fetch = Box::new(move || {
        let (api, config) = (Arc::clone(&api), Arc::clone(&config));
        async move { fetch(&api, &config).await }.boxed()
    });
    AppToken::new(clock, fetch, shelf)
}

async fn fetch(api: &Api, config: &FeishuConfig) -> Result<FetchedToken, PlatformError> {
    let url = api.open(&["open-apis", "auth", "v3", "tenant_access_token", "internal"]);
    let body = json!({"app_id": config.app_id.as_str(), "app_secret": config.app_secret.expose()});
    let request = api.http.post(url).json(&body);
    let object = api.ask(request, Effect::Harmless).await.map_err(|failure| failure.error)?;
    let token = token(object.get("tenant_access_token")).ok_or(PlatformError::Unavailable)?;
    let ttl = object.get("expire").and_then(Value::as_u64).unwrap_or(0).min(LONGEST_LIFE);
    if ttl == 0 {
        return Err(PlatformError::Unavailable);
    }
    Ok(FetchedToken { token, ttl: Duration::from_secs(ttl) })
}
