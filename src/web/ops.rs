//! What operators and their machines ask: alive, ready, metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::auth_session::AuthSessions;
use crate::domain::clock::Timestamp;
use crate::metrics::Metrics;

/// The store has this long to count for the metrics.
const COUNT_PATIENCE: Duration = Duration::from_secs(2);

/// Asks how ready the gateway is; filled by `app.rs`, which knows the parts.
#[derive(Clone)]
pub struct ReadinessProbe(pub Arc<dyn Fn() -> BoxFuture<'static, Readiness> + Send + Sync>);

/// How ready the gateway is.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether it is ending.
    pub stopping: bool,
    /// Whether the store answers.
    pub store: bool,
    /// The apps.
    pub apps: Vec<AppReadiness>,
}

/// One app's share.
#[derive(Debug, Clone)]
pub struct AppReadiness {
    /// Its id.
    pub app: String,
    /// Its event stream.
    pub stream: StreamReadiness,
    /// Links that are up.
    pub links: usize,
    /// How events are counted on to come.
    pub events: EventWay,
    /// Its webhook, if it has one.
    pub webhook: Option<WebhookReadiness>,
}

impl AppReadiness {
    fn shown(&self) -> Value {
        let webhook = self.webhook.map(|webhook| json!({ "last_at": webhook.heard_at.map(Timestamp::to_rfc3339) }));
        json!({
            "app": self.app,
            "stream": self.stream.word(),
            "links": self.links,
            "events": self.events.word(),
            "webhook": webhook,
        })
    }
}

/// How an app's events are counted on to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventWay {
    /// Over the event stream.
    Stream,
    /// By webhook, because the stream is degraded.
    Webhook,
    /// Not at all, for now.
    None,
}

/// A webhook that is there.
#[derive(Debug, Clone, Copy)]
pub struct WebhookReadiness {
    /// When something authentic last came by it.
    pub heard_at: Option<Timestamp>,
}

impl EventWay {
    const fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Webhook => "webhook",
            Self::None => "none",
        }
    }
}

/// Where an event stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamReadiness {
    /// The first link is being opened.
    Starting,
    /// At least one link is up.
    Up,
    /// It was up and is being replaced.
    Reconnecting,
    /// Too many dials failed in a row; stored tokens are served, probing goes on.
    Degraded,
}

impl StreamReadiness {
    const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Reconnecting => "reconnecting",
            Self::Degraded => "degraded",
        }
    }
}

/// The process answers.
pub(super) async fn healthz() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

/// 200 when requests can be served. A stream that is away does not make the gateway unready (stored tokens are served
/// without it) but stands in the answer, unless the webhook is counted on in its place; before the first link of every app
/// is up or given up, it is starting.
pub(super) async fn readyz(State(probe): State<ReadinessProbe>) -> Response {
    let readiness = probe.0().await;
    let starting = readiness.apps.iter().any(|app| app.stream == StreamReadiness::Starting);
    let whole = readiness.apps.iter().all(|app| app.events != EventWay::None);
    let (status, word) = match (readiness.stopping, readiness.store, starting, whole) {
        (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (_, false, ..) => (StatusCode::SERVICE_UNAVAILABLE, "storage unavailable"),
        (_, _, true, _) => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        (_, _, _, false) => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "ok"),
    };
    let apps: Vec<Value> = readiness.apps.iter().map(AppReadiness::shown).collect();
    (status, axum::Json(json!({ "status": word, "storage": readiness.store, "apps": apps }))).into_response()
}

/// What is counted in the store is counted now; when the store does not answer, the other numbers still go out.
pub(super) async fn metrics(
    State(metrics): State<Metrics>,
    State(auth_sessions): State<AuthSessions>,
) -> impl IntoResponse {
    match tokio::time::timeout(COUNT_PATIENCE, auth_sessions.count()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "sessions and grants cannot be counted for the metrics"),
        Err(_) => tracing::warn!("counting sessions and grants for the metrics takes too long"),
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}
