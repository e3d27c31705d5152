//! What a [`Stream`](super::Stream) is started with, and how a push can fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;

/// After how long an event that was not accepted comes again, in seconds. The platform's schedule is not public; a client's source
/// speaks of about a minute.
const REDELIVERY_S: f64 = 60.0;

/// How long a connection lives on after `disconnect` was sent, in seconds.
pub(super) const DRAIN_S: i64 = 10;

/// Settings of one app's stream.
#[derive(Clone)]
pub struct StreamConfig {
    /// The app's client id.
    pub client_id: String,
    /// The company that the app belongs to.
    pub corp_id: String,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Serve `wss` with this configuration; `ws` when absent.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The host that endpoints name.
    pub public_host: String,
    /// How long a card callback waits for its answer (2 s at the platform).
    pub callback_timeout: Duration,
    /// How often the server pings.
    pub ping_interval: Duration,
    /// The sandbox's clock: tickets, time stamps and the last seconds of a connection go by it.
    pub clock: Arc<Clock>,
    /// Start of the pseudo-random sequence for ids, tickets and choices.
    pub seed: u64,
}

impl StreamConfig {
    /// The time between two deliveries of an event. Runs on real time, times the clock's scale.
    pub(super) fn redelivery(&self) -> Duration {
        Duration::from_secs_f64((REDELIVERY_S * self.clock.scale()).max(0.001))
    }
}

/// Why a callback has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Nobody is connected who subscribed to it: it is lost.
    #[error("nobody is connected who subscribed to it")]
    NoConnection,
    /// No answer came in time.
    #[error("no answer came in time")]
    Timeout,
    /// The client answered with a code other than 200.
    #[error("the client answered with code {0}")]
    Refused(i64),
    /// The answer has no `response`.
    #[error("the answer has no response")]
    Malformed,
}
