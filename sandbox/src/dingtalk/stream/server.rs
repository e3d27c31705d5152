//! The public face of the stream.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use super::config::{CallbackError, NoConnection, StreamConfig};
use super::connection::Command;
use super::faults::{RefuseOpen, StreamFaults};
use super::flood;
use super::frame::ROBOT_TOPIC;
use super::hub::Hub;
use super::log::StreamLogEntry;
use super::subscription::Subscriptions;
use crate::websocket::accept::{accept, spawn};
use crate::websocket::flood::{Flood, FloodReport, FloodSpec};
use crate::websocket::raw::Raw;
use crate::websocket::source::Random;

/// One app's long connections. Ends with its last owner, or by [`Stream::stop`].
pub struct Stream {
    hub: Arc<Hub>,
    address: SocketAddr,
    _stop_on_drop: DropGuard,
}

impl Stream {
    /// Listens.
    pub async fn start(config: StreamConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let hub = Arc::new(Hub::new(config, address.port()));
        spawn(&hub, |hub| accept(hub, listener));
        spawn(&hub, |hub| async move { hub.dispatch().await });
        Ok(Self { address, _stop_on_drop: hub.stop.clone().drop_guard(), hub })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
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
        let open: Vec<u64> = self.hub.state().connections.keys().copied().collect();
        for connection in open {
            self.hub.system(connection, topic, data);
        }
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.hub.open.borrow()
    }

    /// Waits until exactly that many connections are open.
    pub async fn wait_for_connections(&self, count: usize) {
        // The sender lives as long as the hub, so this cannot fail.
        let _ = self.hub.open.subscribe().wait_for(|open| *open == count).await;
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: StreamFaults) {
        self.hub.set_faults(faults);
    }

    /// The faults that still act, with the times that they have left.
    #[must_use]
    pub fn faults(&self) -> StreamFaults {
        self.hub.state().faults.clone()
    }

    /// Puts these on a connection verbatim: on that one, or on the oldest; gives its number.
    pub fn send_raw(&self, connection: Option<u64>, raw: impl IntoIterator<Item = Raw>) -> Result<u64, NoConnection> {
        let wires = raw.into_iter().map(Into::into).collect();
        self.command(connection, Command::Write(wires))
    }

    /// Loads one connection with events and taps and measures its acknowledgements. Waits for a connection where the target is the
    /// first one and there is none; reports nothing sent where the target is gone.
    pub async fn flood(&self, spec: FloodSpec) -> FloodReport {
        let target = spec.connection.wait(&self.hub.open).await;
        let kit = flood::kit(&self.hub, target, &spec);
        let random = Random::new(spec.seed);
        let (flood, report) = Flood::new(spec, kit, random);
        if self.command(target, Command::Flood(Box::new(flood))).is_err() {
            return FloodReport::default();
        }
        report.await.unwrap_or_default()
    }

    /// What happened so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<StreamLogEntry> {
        self.hub.log.read()
    }

    /// Waits until `find` finds what it looks for in the log. It must not call the stream.
    pub async fn wait_for<T>(&self, find: impl FnMut(&[StreamLogEntry]) -> Option<T>) -> T {
        self.hub.log.wait_for(find).await
    }

    /// Ends all connections without a word, and the listener; returns when all tasks are over.
    pub async fn stop(&self) {
        self.hub.stop.cancel();
        self.hub.tracker.close();
        self.hub.tracker.wait().await;
        self.hub.forget_connections();
    }

    fn command(&self, connection: Option<u64>, command: Command) -> Result<u64, NoConnection> {
        let state = self.hub.state();
        let mut open = state.connections.iter();
        let (id, handle) = open.find(|(id, _)| connection.is_none_or(|only| only == **id)).ok_or(NoConnection)?;
        handle.send(command);
        Ok(*id)
    }
}
