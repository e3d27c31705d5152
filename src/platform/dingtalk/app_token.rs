//! The app's own token, which cards are sent with.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use serde_json::{Value, json};

use super::api::Api;
use super::config::{AppKind, DingTalkConfig};
use crate::domain::clock::Clock;
use crate::platform::PlatformError;
use crate::platform::answer_fields::{life, token};
use crate::platform::app_token::{AppToken, Fetch, FetchedToken, Shelf};

/// The platform never gives more; what it gives beyond is not believed.
const LONGEST_LIFE: Duration = Duration::from_hours(2);

/// The cached token of the app.
pub(super) fn app_token(api: Arc<Api>, config: Arc<DingTalkConfig>, clock: Arc<dyn Clock>, shelf: Shelf) -> AppToken {
    let fetch: Fetch = Box::new(move || {
        let (api, config) = (Arc::clone(&api), Arc::clone(&config));
        async move { fetch(&api, &config).await }.boxed()
    });
    AppToken::new(clock, fetch, shelf)
}

async fn fetch(api: &Api, config: &DingTalkConfig) -> Result<FetchedToken, PlatformError> {
    let (interface, body) = request(config);
    let request = api.http.post(api.address(&["v1.0", "oauth2", interface])).json(&body);
    let object = api.ask_for_token(request).await.map_err(|failure| failure.error)?;
    let ttl = object.get("expireIn").and_then(life).ok_or(PlatformError::Unavailable)?.min(LONGEST_LIFE);
    let token = token(object.get("accessToken")).ok_or(PlatformError::Unavailable)?;
    Ok(FetchedToken { token, ttl })
}

/// Where to ask, and with what.
fn request(config: &DingTalkConfig) -> (&'static str, Value) {
    let (id, secret) = (config.app_id.as_str(), config.app_secret.expose());
    match &config.kind {
        AppKind::InHouse => ("accessToken", json!({"appKey": id, "appSecret": secret})),
        AppKind::ThirdParty { suite_ticket, corp } => (
            "corpAccessToken",
            json!({
                "suiteKey": id,
                "suiteSecret": secret,
                "suiteTicket": suite_ticket.expose(),
                "authCorpId": corp.as_str(),
            }),
        ),
    }
}
