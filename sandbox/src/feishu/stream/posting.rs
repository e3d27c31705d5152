//! Delivery by webhook, over the same record of what is due: an event is posted until it is answered with HTTP status 200,
//! a callback once.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    config::CallbackError,
    deliveries::Attempt,
    hub::Hub,
    log::{PostOutcome, StreamLogKind},
};
use crate::feishu::webhook::{Endpoint, PostError, Posted};

/// The status that settles an event.
const ACCEPTED: u16 = 200;

impl Hub {
    /// From now on events go there; without an endpoint over the long connection.
    pub(super) fn deliver(&self, endpoint: Option<Arc<Endpoint>>) {
        self.state().endpoint = endpoint;
        self.wake.notify_one();
    }

    pub(super) fn endpoint(&self) -> Option<Arc<Endpoint>> {
        self.state().endpoint.clone()
    }

    /// Posts an event in a task of its own.
    pub(super) fn post_event(self: &Arc<Self>, endpoint: Arc<Endpoint>, attempt: Attempt) {
        let hub = Arc::clone(self);
        let stop = self.stop.clone();
        self.tracker.spawn(stop.run_until_cancelled_owned(async move { hub.posted(&endpoint, &attempt).await }));
    }

    async fn posted(&self, endpoint: &Endpoint, attempt: &Attempt) {
        let event = &attempt.event;
        self.log.write(
            None,
            StreamLogKind::Posted {
                event_id: event.id.clone(),
                event_type: event.kind.clone(),
                attempt: attempt.number,
            },
        );
        let letter = endpoint.letter(&event.payload, (self.clock_ms)());
        let answer = endpoint.post(&letter, self.patience()).await;
        let outcome = match &answer {
            Ok(Posted { status: ACCEPTED, .. }) if self.state().deliveries.settle(attempt.key) => PostOutcome::Settled,
            Ok(Posted { status: ACCEPTED, .. }) => PostOutcome::Repeated,
            Ok(_) => PostOutcome::Refused,
            Err(PostError::Timeout) => PostOutcome::Late,
            Err(PostError::Away) => PostOutcome::Unreachable,
        };
        let status = answer.ok().map(|posted| posted.status);
        self.log.write(None, StreamLogKind::PostAnswered { event_id: event.id.clone(), status, outcome });
    }

    /// Posts a callback and waits for its answer.
    pub(super) async fn post_callback(&self, endpoint: &Endpoint, envelope: Value) -> Result<Value, CallbackError> {
        let event = self.state().event(envelope, None);
        let (event_id, event_type) = (event.id, event.kind);
        self.log.write(None, StreamLogKind::Posted { event_id: event_id.clone(), event_type, attempt: 1 });
        let envelope = serde_json::from_slice(&event.payload).unwrap_or_default();
        let answer = endpoint.click(&envelope, (self.clock_ms)(), self.patience()).await;
        let (status, outcome) = match &answer {
            Ok(_) => (Some(ACCEPTED), PostOutcome::Settled),
            Err(CallbackError::BadAnswer(_)) => (Some(ACCEPTED), PostOutcome::Refused),
            Err(CallbackError::HandlerFailed(status)) => (u16::try_from(*status).ok(), PostOutcome::Refused),
            Err(CallbackError::Timeout) => (None, PostOutcome::Late),
            Err(CallbackError::NoConnection | CallbackError::Unreachable) => (None, PostOutcome::Unreachable),
        };
        self.log.write(None, StreamLogKind::PostAnswered { event_id, status, outcome });
        answer
    }

    fn patience(&self) -> Duration {
        self.config.callback_timeout
    }
}
