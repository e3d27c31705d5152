//! Events by webhook: who takes them, and when they are counted on in place of the event stream.
//!
//! An app with a webhook takes what comes by it at any time; which way the platform sends is decided at its console. What
//! switches here is only what is expected and told: readiness, a metric, the log.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Base, platforms::Built, streams};
use crate::dispatch::Dispatch;
use crate::domain::ids::AppId;
use crate::metrics::Metrics;
use crate::stream::status::Status;
use crate::web::{EventWay, Webhooks};

/// The webhooks of all apps, with the same handler as the streams.
pub(super) fn webhooks(base: &Base, platforms: &[Built], dispatch: &Dispatch) -> Webhooks {
    Webhooks::new(
        platforms.iter().map(|built| &built.platform),
        streams::handler(dispatch.clone(), base.shutdown.tracker.clone()),
        Arc::clone(&base.ambient.clock),
        base.metrics.clone(),
    )
}

/// How events are counted on to come; `fallback` says whether the webhook may take the stream's place.
pub(super) fn way(status: &Status, fallback: bool) -> EventWay {
    match status {
        Status { up, .. } if *up > 0 => EventWay::Stream,
        Status { degraded: true, .. } | Status { misconfigured: true, .. } if fallback => EventWay::Webhook,
        _ => EventWay::None,
    }
}

/// Tells of each switch to the webhook and back, until the stream ends.
pub(super) async fn tell_of_switches(mut status: watch::Receiver<Status>, metrics: Metrics) {
    let (app, mut told) = (status.borrow().app.clone(), Told::default());
    metrics.webhook_fallback(app.as_str(), false);
    loop {
        let switched = told.switches(&status.borrow_and_update());
        if let Some(to_webhook) = switched {
            metrics.webhook_fallback(app.as_str(), to_webhook);
            log(&app, to_webhook);
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

fn log(app: &AppId, to_webhook: bool) {
    if to_webhook {
        tracing::warn!(
            %app,
            "events are counted on by webhook; they come if the platform's console is set to send them there"
        );
    } else {
        tracing::info!(%app, "events are counted on over the stream again");
    }
}

/// Whether the webhook was said to be counted on.
#[derive(Default)]
struct Told(bool);

impl Told {
    /// What is to be told now, if anything. That a link is not up, or not given up, yet changes nothing.
    fn switches(&mut self, status: &Status) -> Option<bool> {
        let webhook = match way(status, true) {
            EventWay::Webhook => true,
            EventWay::Stream => false,
            EventWay::None => return None,
        };
        (std::mem::replace(&mut self.0, webhook) != webhook).then_some(webhook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(up: usize, degraded: bool, misconfigured: bool) -> Status {
        Status { up, degraded, misconfigured, ..Status::new(AppId::parse("cli_a").unwrap(), 2) }
    }

    #[test]
    fn the_webhook_takes_the_place_of_a_stream_that_was_given_up() {
        for (up, degraded, misconfigured, with, without) in [
            (2, false, false, EventWay::Stream, EventWay::Stream),
            (1, false, true, EventWay::Stream, EventWay::Stream),
            (0, false, false, EventWay::None, EventWay::None),
            (0, true, false, EventWay::Webhook, EventWay::None),
            (0, false, true, EventWay::Webhook, EventWay::None),
        ] {
            let status = status(up, degraded, misconfigured);
            assert_eq!((way(&status, true), way(&status, false)), (with, without), "{status:?}");
        }
    }

    #[test]
    fn each_switch_is_told_once() {
        let mut told = Told::default();
        for (up, degraded, misconfigured, tells) in [
            (0, false, false, None),
            (1, false, false, None),
            (0, true, false, Some(true)),
            (0, true, true, None),
            (0, false, false, None),
            (1, false, false, Some(false)),
            (2, false, false, None),
            (0, false, true, Some(true)),
        ] {
            assert_eq!(told.switches(&status(up, degraded, misconfigured)), tells, "{up} {degraded} {misconfigured}");
        }
    }
}
