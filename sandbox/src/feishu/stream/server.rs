//! The public face of the stream, as far as it is this platform's own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

use super::config::{CallbackError, EndpointRefusal, StreamConfig};
use super::hub::Hub;
use super::source::Sources;
use crate::feishu::webhook::Endpoint;
use crate::websocket::accept::spawn;
use crate::websocket::server::Server;

/// One app's long connections.
pub type Stream = Server<Hub>;

impl Stream {
    /// Listens, with the system's clock and randomness.
    pub async fn start(config: StreamConfig) -> io::Result<Self> {
        Self::start_with(config, Sources::system()?).await
    }

    /// Listens, with a clock and randomness of the caller's.
    pub async fn start_with(config: StreamConfig, sources: Sources) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let hub = Arc::new(Hub::new(config, address.port(), sources));
        spawn(&hub, |hub| async move { hub.dispatch().await });
        Ok(Self::over(listener, address, hub))
    }

    /// A single-use URL for one connection, or what the endpoint refuses with.
    pub fn new_ticket(&self) -> Result<String, EndpointRefusal> {
        self.hub.issue_ticket()
    }

    /// The `ClientConfig` of the endpoint's answer: four fields, unless a fault alters it.
    #[must_use]
    pub fn client_config(&self) -> Value {
        self.hub.client_config()
    }

    /// Queues an event and gives its id. It goes to one random connection, as soon as there is one, and
    /// again after 15 s, 5 min, 1 h and 6 h (scaled) until it is acknowledged with code 200.
    #[expect(clippy::unused_async, reason = "the seam between the sandbox's parts has it async")]
    pub async fn push_event(&self, envelope: Value) -> String {
        self.hub.push_event(envelope, None)
    }

    /// Delivers a callback once, to a random connection, and waits for the answer inside the
    /// acknowledgement: `{}` where the client gave none.
    pub async fn callback(&self, envelope: Value) -> Result<Value, CallbackError> {
        self.hub.callback(envelope).await
    }

    /// Delivers events and callbacks by webhook to this endpoint from now on, or over the long connection again: what the
    /// app's administrator chooses at the console. What is not settled yet goes the new way when it is due.
    pub fn deliver(&self, endpoint: Option<Arc<Endpoint>>) {
        self.hub.deliver(endpoint);
    }

    /// Where events are posted, if they are.
    #[must_use]
    pub fn endpoint(&self) -> Option<Arc<Endpoint>> {
        self.hub.endpoint()
    }

    /// How long an answer may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.hub.config.callback_timeout
    }
}
