//! `POST /events/{platform}/{app}`: what a platform posts instead of sending it over the long connection.
//!
//! The platform verifies and reads ([`Webhook`]); the event goes to the same handler as one of the long connection, and is
//! answered once it is stored. Whatever is refused changed nothing, has its own problem and is counted under a word of ours
//! and the id of a configured app.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::body::{self, Unread};
use super::problem::Problem;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::event::{Event, Outcome, Verdict};
use crate::domain::ids::{AppId, PlatformId};
use crate::metrics::Metrics;
use crate::platform::{Platform, Received, Webhook};

/// The largest event, in bytes: a chat message has up to 150 KB, which sealing makes a third longer.
const MAX_EVENT: usize = 256 * 1024;

/// How long the platform is kept waiting; it gives up after three seconds.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// What becomes of an event; the future resolves once the event is durable.
pub type EventHandler = Arc<dyn Fn(Event) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// The apps' webhooks, and what becomes of what comes by them.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    apps: HashMap<(PlatformId, AppId), Option<Door>>,
    handler: EventHandler,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

/// One app's.
struct Door {
    webhook: Arc<dyn Webhook>,
    /// When something authentic came last, in seconds; 0: never.
    heard: AtomicI64,
}

impl Webhooks {
    /// The webhooks of these apps.
    #[must_use]
    pub fn new<'a>(
        platforms: impl Iterator<Item = &'a Platform>,
        handler: EventHandler,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let door = |platform: &Platform| {
            let webhook = platform.webhook.clone()?;
            Some(Door { webhook, heard: AtomicI64::new(0) })
        };
        let apps = platforms.map(|platform| ((platform.id.clone(), platform.app.clone()), door(platform))).collect();
        Self(Arc::new(Inner { apps, handler, clock, metrics }))
    }

    /// When something authentic last came for this app, since the start of the process.
    #[must_use]
    pub fn heard_at(&self, app: &AppId) -> Option<Timestamp> {
        let mut doors = self.0.apps.iter().filter(|((_, id), _)| id == app);
        let door = doors.find_map(|(_, door)| door.as_ref())?;
        Some(door.heard.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp::from_secs)
    }
}

/// What became of a request, as a metric label.
type Word = &'static str;

/// Takes a request.
pub(super) async fn receive(
    State(webhooks): State<Webhooks>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (app, door) = webhooks.find(path)?;
    let taken = webhooks.take(&app, door, request).await;
    let (Ok((word, _)) | Err((word, _))) = &taken;
    webhooks.0.metrics.webhook_request(app.as_str(), word);
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    taken.map(|(_, body)| ([(CONTENT_TYPE, json)], body).into_response()).map_err(|(_, problem)| problem)
}

impl Webhooks {
    fn find(&self, path: Result<Path<(String, String)>, PathRejection>) -> Result<(AppId, &Door), Problem> {
        let Inner { apps, metrics, .. } = &*self.0;
        let key = path
            .ok()
            .and_then(|Path((platform, app))| Some((PlatformId::parse(&platform).ok()?, AppId::parse(&app).ok()?)));
        match key.and_then(|key| Some((apps.get(&key)?, key.1))) {
            Some((Some(door), app)) => Ok((app, door)),
            Some((None, app)) => {
                metrics.webhook_request(app.as_str(), "off");
                Err(Problem::webhook_off())
            }
            None => {
                metrics.webhook_request("", "unknown_app");
                Err(Problem::unknown_app())
            }
        }
    }

    async fn take(&self, app: &AppId, door: &Door, request: Request) -> Result<(Word, Bytes), (Word, Problem)> {
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err(("encoded", Problem::media_type()));
        }
        let headers = request.headers().clone();
        let body = body::read_up_to(MAX_EVENT, request).await.map_err(|unread| (word(unread), unread.into()))?;
        let received = door.webhook.receive(&headers, &body);
        let received = received.map_err(|unwelcome| (unwelcome.word(), unwelcome.into()))?;
        let now = self.0.clock.now().as_secs();
        door.heard.store(now, Ordering::Relaxed);
        self.0.metrics.webhook_heard(app.as_str(), now);
        match received {
            Received::Challenge(body) => Ok(("challenge", body)),
            Received::Unwanted { why, answer } => {
                self.0.metrics.event(app.as_str(), why);
                Ok(("unwanted", answer(&Verdict::accepted())))
            }
            Received::Event { event, answer } => {
                let verdict = self.handle(app, *event).await;
                // Not answered, it may come again as it is.
                let Some(verdict) = verdict else { return Err(("not_taken", Problem::event_not_taken())) };
                Ok(("accepted", answer(&verdict)))
            }
        }
    }

    /// The verdict on an event that is safe with us; none in time otherwise.
    async fn handle(&self, app: &AppId, event: Event) -> Option<Verdict> {
        let begun = tokio::time::Instant::now();
        let verdict = tokio::time::timeout(PATIENCE, (self.0.handler)(event)).await.ok()?;
        self.0.metrics.event_acked(app.as_str(), begun.elapsed().as_secs_f64());
        (verdict.outcome == Outcome::Accepted).then_some(verdict)
    }
}

const fn word(unread: Unread) -> Word {
    match unread {
        Unread::TooLarge(_) => "too_large",
        Unread::TooSlow => "too_slow",
    }
}
