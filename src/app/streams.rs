//! The event streams of all apps: started, observed, and asked how they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{Base, platforms::Built, webhooks};
use crate::config::Config;
use crate::dispatch::Dispatch;
use crate::domain::event::{EventKind, Verdict};
use crate::metrics::{Metrics, Reconnect};
use crate::stream::connection::Limits;
use crate::stream::contract::Handler;
use crate::stream::status::{Observation, Observer, Status};
use crate::stream::supervisor::{Settings, Stream};
use crate::web::{AppReadiness, Readiness, ReadinessProbe, StreamReadiness, WebhookReadiness, Webhooks};

/// The store has this long to answer a readiness probe.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// The running streams, and the webhooks beside them.
pub(super) struct Streams {
    running: Vec<Running>,
    pub(super) webhooks: Webhooks,
}

/// One app's stream.
#[derive(Clone)]
struct Running {
    status: watch::Receiver<Status>,
    /// Whether the app has a webhook.
    webhook: bool,
    /// Whether that may be counted on in the stream's place.
    fallback: bool,
}

impl Streams {
    /// Starts the stream of every app that has one.
    pub(super) fn start(base: &Base, config: &Config, platforms: &[Built], dispatch: &Dispatch) -> Self {
        let settings = Settings {
            connections: config.stream.connections,
            max_retries: config.stream.max_reconnect_retries,
            limits: Limits { heartbeat: config.stream.heartbeat_interval, ..Limits::default() },
        };
        let start = |built: &Built| {
            let protocol = built.platform.stream.clone()?;
            let handler = handler(dispatch.clone(), base.shutdown.tracker.clone());
            let stream = Stream {
                app: built.platform.app.clone(),
                protocol,
                handler,
                settings,
                observer: observer(base.metrics.clone(), built.platform.app.to_string()),
                clock: Arc::clone(&base.ambient.clock),
                random: Arc::clone(&base.ambient.random),
            };
            let status = stream.start(&base.shutdown.tracker, &base.shutdown.soft);
            let webhook = built.platform.webhook.is_some();
            let fallback = webhook && config.stream.fallback_to_http;
            if fallback {
                base.shutdown.tracker.spawn(webhooks::tell_of_switches(status.clone(), base.metrics.clone()));
            }
            Some(Running { status, webhook, fallback })
        };
        let running = platforms.iter().filter_map(start).collect();
        Self { running, webhooks: webhooks::webhooks(base, platforms, dispatch) }
    }

    /// What `/readyz` asks.
    pub(super) fn readiness(&self, base: &Base) -> ReadinessProbe {
        let (running, webhooks) = (self.running.clone(), self.webhooks.clone());
        let (store, soft) = (base.store.clone(), base.shutdown.soft.clone());
        ReadinessProbe(Arc::new(move || {
            let apps = running.iter().map(|stream| stream.readiness(&webhooks)).collect();
            let (store, stopping) = (store.clone(), soft.is_cancelled());
            Box::pin(async move {
                let answered = tokio::time::timeout(PROBE_PATIENCE, store.ping()).await;
                Readiness { stopping, store: matches!(answered, Ok(Ok(()))), apps }
            })
        }))
    }
}

/// Dispatches events. A tap is handled to its end even if nobody waits for the verdict any more: it comes only once.
pub(super) fn handler(dispatch: Dispatch, tracker: TaskTracker) -> Handler {
    Arc::new(move |event| {
        let dispatch = dispatch.clone();
        if !matches!(event.kind, EventKind::CardAction(_)) {
            return Box::pin(async move { dispatch.handle(event).await });
        }
        let handled = tracker.spawn(async move { dispatch.handle(event).await });
        Box::pin(async move { handled.await.unwrap_or_else(|_| Verdict::failed()) })
    })
}

impl Running {
    fn readiness(&self, webhooks: &Webhooks) -> AppReadiness {
        let status = self.status.borrow();
        AppReadiness {
            app: status.app.to_string(),
            stream: standing(&status),
            links: status.up,
            events: webhooks::way(&status, self.fallback),
            webhook: self.webhook.then(|| WebhookReadiness { heard_at: webhooks.heard_at(&status.app) }),
        }
    }
}

fn standing(status: &Status) -> StreamReadiness {
    match status {
        Status { up, .. } if *up > 0 => StreamReadiness::Up,
        Status { degraded: true, .. } | Status { misconfigured: true, .. } => StreamReadiness::Degraded,
        Status { last_connected_at: None, last_error: None, .. } => StreamReadiness::Starting,
        _ => StreamReadiness::Reconnecting,
    }
}

fn observer(metrics: Metrics, app: String) -> Observer {
    metrics.stream_links(&app, 0);
    metrics.stream_degraded(&app, false);
    Arc::new(move |observation| match observation {
        Observation::Connected | Observation::Disconnected { .. } => {}
        Observation::ConnectionsUp(links) => metrics.stream_links(&app, links),
        Observation::Degraded(degraded) => metrics.stream_degraded(&app, degraded),
        Observation::ReconnectAttempt => metrics.reconnect(&app, Reconnect::Attempt),
        Observation::ReconnectSuccess => metrics.reconnect(&app, Reconnect::Success),
        Observation::ReconnectFailure => metrics.reconnect(&app, Reconnect::Failure),
        Observation::FrameBad { why } => metrics.frame_bad(&app, why),
        Observation::EventAcked { ms } => metrics.event_acked(&app, ms / 1_000.0),
        Observation::Discarded { why } => metrics.event(&app, why),
        Observation::PartialBytes(bytes) => metrics.partial_bytes(&app, bytes),
    })
}
