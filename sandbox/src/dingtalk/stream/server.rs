//! The public face of the stream, as far as it is this platform's own.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;

use super::config::{CallbackError, StreamConfig};
use super::faults::RefuseOpen;
use super::frame::ROBOT_TOPIC;
use super::hub::Hub;
use super::subscription::Subscriptions;
use crate::websocket::accept::spawn;
use crate::websocket::seats::NoConnection;
use crate::websocket::server::Server;

/// One app's long connections.
pub type Stream = Server<Hub>;

impl Stream {
    /// Listens.
    pub async fn start(config: StreamConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let hub = Arc::new(Hub::new(config, address.port()));
        spawn(&hub, |hub| async move { hub.dispatch().await });
        Ok(Self::over(listener, address, hub))
    }

    /// Endpoint and ticket for one connection, or what a fault refuses with.
    pub fn open(&self, subscriptions: Subscriptions) -> Result<(String, String), RefuseOpen> {
        self.hub.issue_ticket(subscriptions)
    }

    /// Queues an event. It goes to one random connection, as soon as there is one, and again after a minute (scaled), four times at
    /// most, until it is accepted.
    pub fn push_event(&self, event_id: &str, event_type: &str, data: &Value) {
        self.hub.push_event(event_id, event_type, data);
    }

    /// Delivers a robot message once; false when nobody is connected: it is lost.
    #[must_use]
    pub fn robot_message(&self, message_id: &str, data: &Value) -> bool {
        self.hub.tell(ROBOT_TOPIC, message_id, data).is_some()
    }

    /// Delivers a callback of any topic once, without waiting; false when it is lost.
    #[must_use]
    pub fn tell(&self, topic: &str, id: &str, data: &Value) -> bool {
        self.hub.tell(topic, id, data).is_some()
    }

    /// Delivers a card action once and waits for the `response` inside the acknowledgement.
    pub async fn card_action(&self, out_track_id: &str, data: &Value) -> Result<Value, CallbackError> {
        self.hub.callback(out_track_id, data).await
    }

    /// Tells a connection, or all, that they end in ten seconds. Gives how many were told.
    pub fn disconnect(&self, connection: Option<u64>, reason: &str) -> Result<usize, NoConnection> {
        self.hub.disconnect(connection, reason)
    }

    /// A `SYSTEM` frame on every connection.
    pub fn system(&self, topic: &str, data: &Value) {
        self.hub.system_to_all(topic, data);
    }
}
