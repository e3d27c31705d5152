//! One connection to the server, or rather two: a subscription, and another to publish on. The loss of either ends both.
//!
//! A server that is there and silent is told from one that nothing happens at by asking it now and then. A hint is published
//! with all that wait behind it in one request, so that a slow server makes hints late and the queue full, and nobody wait.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::wire::{self, CHANNEL};
use crate::domain::hint::Hint;
use crate::metrics::Metrics;

/// How long the server may take to be connected to, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked whether it is there.
const BEAT: Duration = Duration::from_secs(5);

/// Hints in one request.
const BATCH: usize = 64;

/// A connection that is up.
pub(super) struct Link {
    publishing: MultiplexedConnection,
    subscription: PubSubSink,
    messages: PubSubStream,
}

impl Link {
    /// Connects and subscribes. Why it does not succeed is the server's business: its words may repeat the URL.
    pub(super) async fn open(client: &Client) -> Option<Self> {
        let opening = async {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            let mut publishing = client.get_multiplexed_async_connection_with_config(&config).await.ok()?;
            // Whether we may: a connection that is lost with the first hint would be made anew all the time.
            redis::cmd("PUBLISH").arg(CHANNEL).arg("").query_async::<()>(&mut publishing).await.ok()?;
            let (mut subscription, messages) = client.get_async_pubsub().await.ok()?.split();
            subscription.subscribe(CHANNEL).await.ok()?;
            Some(Self { publishing, subscription, messages })
        };
        timeout(2 * PATIENCE, opening).await.ok().flatten()
    }

    /// Publishes what comes from the queue and passes on what the others publish, until the connection is lost.
    pub(super) async fn carry(
        &mut self,
        queue: &mut mpsc::Receiver<Hint>,
        origin: &str,
        metrics: &Metrics,
        hear: impl Fn(&[u8]),
    ) -> &'static str {
        let Self { publishing, subscription, messages } = self;
        tokio::select! {
            () = publish(publishing, queue, origin, metrics) => "the server does not take them",
            () = listen(messages, hear) => "the subscription is lost",
            () = beat(subscription) => "the server does not answer",
        }
    }
}

async fn publish(
    server: &mut MultiplexedConnection,
    queue: &mut mpsc::Receiver<Hint>,
    origin: &str,
    metrics: &Metrics,
) {
    let mut hints = Vec::with_capacity(BATCH);
    loop {
        if queue.recv_many(&mut hints, BATCH).await == 0 {
            // Nobody can tell anything any more; the others still can.
            return std::future::pending().await;
        }
        let mut request = redis::pipe();
        for hint in &hints {
            request.cmd("PUBLISH").arg(CHANNEL).arg(wire::write(hint, origin)).ignore();
        }
        if request.query_async::<()>(server).await.is_err() {
            metrics.hints_dropped(hints.len());
            return;
        }
        metrics.hints_published(hints.len());
        hints.clear();
    }
}

async fn listen(messages: &mut PubSubStream, hear: impl Fn(&[u8])) {
    while let Some(message) = messages.next().await {
        hear(message.get_payload_bytes());
    }
}

/// The subscription is the one that can be silent for long.
async fn beat(subscription: &mut PubSubSink) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        if !matches!(timeout(PATIENCE, subscription.ping::<redis::Value>()).await, Ok(Ok(_))) {
            return;
        }
    }
}
