//! Feishu, as far as an auth gateway uses it: long connection, bot messages, OAuth, a handful of aPaaS interfaces.
//!
//! What the open platform and the accounts host serve under two names is served here under one origin. Wire formats follow
//! the open platform's documentation and the official SDKs; they are written here without looking at the gateway, on purpose.
//!
//! Every request passes [`crate::gate`]: it is written to the journal, meets its scripted fault, and only then reaches its handler.
//! To add an interface: a file with its handler, a line in [`router`], a name in [`call`].

pub mod apaas;
pub mod authorize;
pub mod bearer;
pub mod call;
pub mod card;
pub mod card_update;
pub mod click;
pub mod consent;
pub mod device;
pub mod endpoint;
pub mod errors;
pub mod events;
pub mod messages;
pub mod oauth;
pub mod rate_limit;
pub mod revoke;
pub mod scopes;
pub mod stream;
pub mod tenant_token;
pub mod user_info;
pub mod webhook;
pub mod word;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, patch, post};

use self::rate_limit::RateLimits;
use self::stream::Stream;
use crate::gate::{self, Dialect, Gate};
use crate::site::Site;

/// The simulated platform: what all of its handlers share.
pub struct Feishu {
    /// What every platform has.
    pub site: Arc<Site>,
    /// Limits on messages.
    pub limits: RateLimits,
    /// The rows of the simulated aPaaS workspaces.
    pub tables: apaas::Tables,
    /// The long connections, one server per app.
    pub streams: RwLock<HashMap<String, Arc<Stream>>>,
}

impl Deref for Feishu {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// How its requests and answers are read.
const DIALECT: Dialect =
    Dialect { read: call::read, issued: call::issued, word: word::word, reset_header: "x-ogw-ratelimit-reset" };

impl Feishu {
    /// The long connections of an app.
    #[must_use]
    pub fn stream(&self, app_id: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(app_id).cloned()
    }

    /// Remembers the long connections of a new app.
    pub fn add_stream(&self, app_id: &str, stream: Arc<Stream>) {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).insert(app_id.to_owned(), stream);
    }
}

/// The platform's interfaces.
pub fn router(feishu: Arc<Feishu>) -> Router {
    let gate = Gate { site: Arc::clone(&feishu.site), dialect: DIALECT };
    Router::new()
        .merge(open_api())
        .merge(oauth_api())
        .merge(apaas::router())
        .method_not_allowed_fallback(not_found)
        .layer(middleware::from_fn_with_state(gate, gate::gate))
        .with_state(feishu)
}

fn open_api() -> Router<Arc<Feishu>> {
    let tenant = "/open-apis/auth/v3/tenant_access_token/internal";
    let app = "/open-apis/auth/v3/app_access_token/internal";
    Router::new()
        .route("/callback/ws/endpoint", post(endpoint::endpoint))
        .route(tenant, post(tenant_token::tenant))
        .route(&format!("{tenant}/"), post(tenant_token::tenant))
        .route(app, post(tenant_token::app))
        .route(&format!("{app}/"), post(tenant_token::app))
        .route("/open-apis/im/v1/messages", post(messages::create))
        .route("/open-apis/im/v1/messages/{message_id}", patch(messages::update))
        .route("/open-apis/interactive/v1/card/update", post(card_update::update))
        .route("/open-apis/authen/v1/user_info", get(user_info::user_info))
}

fn oauth_api() -> Router<Arc<Feishu>> {
    Router::new()
        .route("/open-apis/authen/v1/authorize", get(authorize::page).post(authorize::decide))
        .route("/open-apis/authen/v1/index", get(authorize::page))
        .route("/oauth/v3/token", post(oauth::v3))
        .route("/open-apis/authen/v2/oauth/token", post(oauth::v2))
        .route("/oauth/v1/device_authorization", post(device::authorization))
        .route("/open-apis/authen/v2/oauth/device_authorization", post(device::authorization))
        .route("/oauth/v1/device", get(device::page).post(device::decide))
        .route("/oauth/v1/revoke", post(revoke::revoke))
}

/// What the platform says to a path or method that it does not know.
pub async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found")
}
