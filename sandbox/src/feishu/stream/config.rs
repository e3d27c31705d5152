//! What a [`Stream`](super::Stream) is started with, and the two ways in which it says no.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::websocket::source::scaled;

/// How many long connections one app may hold at once.
pub const CONNECTION_LIMIT: usize = 50;

/// The `service_id` of every ticket URL: clients put it into `Frame.service` of their pings.
pub const SERVICE_ID: i32 = 33_554_678;

/// Endpoint code and handshake error for "too many connections".
pub(super) const TOO_MANY_CONNECTIONS: i64 = 1_000_040_350;

/// Handshake error for a ticket that is unknown or used up.
pub(super) const NO_CREDENTIAL: i64 = 1_000_040_344;

/// Settings of one app's stream.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The app that the stream belongs to (`cli_` and 16 hex digits).
    pub app_id: String,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Serve `wss` with this configuration; `ws` when absent.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The host that ticket URLs name.
    pub public_host: String,
    /// `PingInterval` told to clients, in seconds.
    pub ping_interval_s: i64,
    /// `ReconnectInterval` told to clients, in seconds.
    pub reconnect_interval_s: i64,
    /// `ReconnectNonce` told to clients: the longest random first delay, in seconds.
    pub reconnect_nonce_s: i64,
    /// `ReconnectCount` told to clients; negative means for ever.
    pub reconnect_count: i64,
    /// Factor on the redelivery intervals of 15 s, 5 min, 1 h and 6 h.
    pub time_scale: f64,
    /// How long an acknowledgement may take, for callbacks and for events (3 s at the platform).
    pub callback_timeout: Duration,
    /// Push one message and one card action to every new connection.
    pub auto_push: bool,
    /// The tenant named by the events that the stream makes itself.
    pub tenant_key: String,
}

impl StreamConfig {
    /// Plain `ws` on a free port of the loopback interface, with the platform's usual timing.
    #[must_use]
    pub fn local(app_id: &str, tenant_key: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            public_host: "127.0.0.1".to_owned(),
            ping_interval_s: 120,
            reconnect_interval_s: 120,
            reconnect_nonce_s: 30,
            reconnect_count: -1,
            time_scale: 1.0,
            callback_timeout: Duration::from_secs(3),
            auto_push: false,
            tenant_key: tenant_key.to_owned(),
        }
    }

    /// The four `ClientConfig` fields of the endpoint's answer and of every pong.
    pub(super) fn client_config(&self) -> Value {
        json!({
            "ReconnectCount": self.reconnect_count,
            "ReconnectInterval": self.reconnect_interval_s,
            "ReconnectNonce": self.reconnect_nonce_s,
            "PingInterval": self.ping_interval_s,
        })
    }

    /// The four waits before an event is delivered again, scaled.
    pub(super) fn redelivery(&self) -> [Duration; 4] {
        [15.0, 300.0, 3_600.0, 21_600.0].map(|s: f64| scaled(s * self.time_scale))
    }
}

/// The endpoint gives no ticket: what to answer with HTTP 200 and `data:{}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("endpoint refused with {code}: {msg}")]
pub struct EndpointRefusal {
    /// The platform's code, for example 1000040350.
    pub code: i64,
    /// The text beside it.
    pub msg: String,
}

impl EndpointRefusal {
    /// All of the app's connections are in use.
    pub(super) fn too_many_connections() -> Self {
        Self { code: TOO_MANY_CONNECTIONS, msg: "the number of connections exceeded the limit".to_owned() }
    }
}

/// A card callback got no usable answer; [`code`](Self::code) is what the person's client shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Nobody is connected.
    #[error("no connection takes callbacks")]
    NoConnection,
    /// The app's address cannot be reached.
    #[error("the address cannot be reached")]
    Unreachable,
    /// No acknowledgement within the time allowed.
    #[error("no answer in time")]
    Timeout,
    /// The acknowledgement carried another code than 200.
    #[error("the handler answered with code {0}")]
    HandlerFailed(i64),
    /// The answer was not base64 of a JSON object.
    #[error("the answer has the wrong format: {0}")]
    BadAnswer(&'static str),
}

impl CallbackError {
    /// The platform's number for this failure.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::NoConnection => 200_340,
            Self::Unreachable => 200_342,
            Self::Timeout => 200_341,
            Self::HandlerFailed(_) => 200_671,
            Self::BadAnswer(_) => 200_672,
        }
    }
}
