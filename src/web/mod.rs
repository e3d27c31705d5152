//! HTTP: the callers' API, the pages that people see, and what operators ask.
//!
//! Handlers translate: request to use case, result to answer. Status codes for failures stand in `problem.rs` and
//! nowhere else. Nothing here knows a platform or the store.

mod auth_sessions;
mod body;
mod callback;
mod caller;
mod code_page;
mod events;
mod grants;
mod identities;
mod language;
mod layers;
mod ops;
mod pages;
mod preference;
mod problem;
mod query;
mod segment;
pub mod serve;
mod tokens;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{delete, get, post};

use crate::access::Access;
use crate::auth_session::AuthSessions;
use crate::grants::Grants;
use crate::login::Login;
use crate::metrics::Metrics;

pub use ops::{AppReadiness, EventWay, Readiness, ReadinessProbe, StreamReadiness, WebhookReadiness};

/// What the handlers work with; each takes the one it needs.
#[derive(Clone)]
pub struct WebState {
    /// Checks API keys.
    pub access: Access,
    /// Asks people.
    pub auth_sessions: AuthSessions,
    /// Gives tokens.
    pub grants: Grants,
    /// Says who logs in.
    pub login: Login,
    /// Counts.
    pub metrics: Metrics,
    /// Says whether the gateway is ready.
    pub readiness: ReadinessProbe,
    /// How cookies are set.
    pub cookies: callback::CookieStyle,
    /// Takes events that are posted.
    pub webhooks: Webhooks,
}

pub use callback::CookieStyle;
pub use events::{EventHandler, Webhooks};

macro_rules! parts {
    ($($field:ident: $type:ty),* $(,)?) => {
        $(impl FromRef<WebState> for $type {
            fn from_ref(state: &WebState) -> Self {
                state.$field.clone()
            }
        })*
    };
}

parts! {
    access: Access,
    auth_sessions: AuthSessions,
    grants: Grants,
    login: Login,
    metrics: Metrics,
    readiness: ReadinessProbe,
    cookies: CookieStyle,
    webhooks: Webhooks,
}

/// The API, the pages, liveness and readiness.
pub fn router(state: WebState) -> Router {
    let metrics = state.metrics.clone();
    let routes = Router::new()
        .route("/v1/tokens", post(tokens::ask))
        .route("/v1/auth-sessions/{id}", get(auth_sessions::show))
        .route("/v1/auth-sessions/{id}/cancel", post(auth_sessions::cancel))
        .route("/v1/grants", get(grants::list))
        .route("/v1/grants/{id}", delete(grants::revoke))
        .route("/v1/identities/{platform}/{app}", post(identities::identify))
        .route("/v1/identities/{platform}/{app}/session", post(identities::session))
        .route("/v1/identities/{platform}/{app}/share-code", post(identities::share_code))
        .route("/oauth/{platform}/{app}/start", get(callback::landing).post(callback::start))
        .route("/oauth/{platform}/{app}/callback", get(callback::callback).head(callback::no_head))
        .route("/oauth/{platform}/{app}/result", get(callback::result))
        .route("/oauth/{platform}/{app}/code", get(code_page::show))
        .route("/events/{platform}/{app}", post(events::receive))
        .route("/assets/{name}", get(pages::asset))
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .with_state(state);
    layers::around(routes, metrics)
}

/// `/metrics`, for a port of its own.
pub fn metrics_router(state: &WebState) -> Router {
    let routes = Router::new().route("/metrics", get(ops::metrics)).with_state(state.clone());
    layers::around(routes, state.metrics.clone())
}
