//! Feishu, as far as an auth gateway uses it: long connection, bot messages, OAuth, a handful of aPaaS interfaces.
//!
//! What the open platform and the accounts host serve under two names is served here under one origin. Wire formats follow
//! the open platform's documentation and the official SDKs; they are written here without looking at the gateway, on purpose.
//!
//! Every request passes [`gate`]: it is written to the journal, meets its scripted fault, and only then reaches its handler.
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
pub mod docket;
pub mod endpoint;
pub mod errors;
pub mod events;
pub mod gate;
pub mod messages;
pub mod oauth;
pub mod params;
pub mod rate_limit;
pub mod revoke;
pub mod scopes;
pub mod stream;
pub mod tenant_token;
pub mod user_info;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, patch, post};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::rate_limit::RateLimits;
use self::stream::Stream;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::judge::{Case, Verdict};
use crate::options::Lifetimes;
use crate::world::World;

/// The simulated platform: what all of its handlers share.
pub struct Feishu {
    /// What time it is.
    pub clock: Arc<Clock>,
    /// People, apps, messages, tokens.
    pub world: World,
    /// Lifetimes of what is issued.
    pub lifetimes: Lifetimes,
    /// Tenant of apps and people that name none.
    pub tenant_key: String,
    /// Origin of links shown to people.
    pub public_url: String,
    /// Scripted faults.
    pub faults: Faults,
    /// What was asked.
    pub journal: Journal,
    /// Limits on messages.
    pub limits: RateLimits,
    /// The rows of the simulated aPaaS workspaces.
    pub tables: apaas::Tables,
    /// Every task of the sandbox.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
    /// The long connections, one server per app.
    pub streams: RwLock<HashMap<String, Arc<Stream>>>,
}

impl Feishu {
    /// The long connections of an app.
    #[must_use]
    pub fn stream(&self, app_id: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(app_id).cloned()
    }

    /// What the judge says of all refreshes so far.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        // The world is held only while the log is copied.
        let case = Case::of(&self.world.lock(), self.clock.now_ms());
        case.judge()
    }

    /// The same, as soon as no request to the token endpoint is under way.
    pub async fn judge_settled(&self) -> Verdict {
        self.journal.wait_until(|| self.world.lock().tokens.log().is_quiet()).await;
        self.judge()
    }

    /// Remembers the long connections of a new app.
    pub fn add_stream(&self, app_id: &str, stream: Arc<Stream>) {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).insert(app_id.to_owned(), stream);
    }
}

/// The platform's interfaces.
pub fn router(feishu: Arc<Feishu>) -> Router {
    Router::new()
        .merge(open_api())
        .merge(oauth_api())
        .merge(apaas::router())
        .method_not_allowed_fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&feishu), gate::gate))
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
