//! The public face of the stream, and the task that accepts sockets for it.

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use crate::websocket::accept::{accept, spawn};
use crate::websocket::flood::{Flood, FloodReport, FloodSpec};

use super::{
    config::{CallbackError, EndpointRefusal, StreamConfig},
    connection::Command,
    faults::StreamFaults,
    flood,
    hub::Hub,
    log::StreamLogEntry,
    raw::Raw,
    source::{Random, Sources},
};

/// There is no such connection, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such connection is open")]
pub struct NoConnection;

/// One app's long connections. Ends with its last owner, or by [`Stream::stop`].
pub struct Stream {
    hub: Arc<Hub>,
    address: SocketAddr,
    _stop_on_drop: DropGuard,
}

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
        spawn(&hub, |hub| accept(hub, listener));
        spawn(&hub, |hub| async move { hub.dispatch().await });
        Ok(Self { address, _stop_on_drop: hub.stop.clone().drop_guard(), hub })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.hub.open.borrow()
    }

    /// Waits until exactly that many connections are open.
    pub async fn wait_for_connections(&self, count: usize) {
        // The sender lives as long as the hub, so this cannot fail.
        let _ = self.hub.open.subscribe().wait_for(|n| *n == count).await;
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

    /// What happened so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<StreamLogEntry> {
        self.hub.log.read()
    }

    /// Waits until `find` finds what it looks for in the log. It must not call the stream.
    pub async fn wait_for<T>(&self, find: impl FnMut(&[StreamLogEntry]) -> Option<T>) -> T {
        self.hub.log.wait_for(find).await
    }

    /// Loads one connection with events and measures its acknowledgements. Waits for a connection where
    /// the target is the first one and there is none; reports nothing sent where the target is gone.
    pub async fn flood(&self, spec: FloodSpec) -> FloodReport {
        let target = spec.connection.wait(&self.hub.open).await;
        let mut random = Random::new(spec.seed);
        let kit = flood::kit(&spec, &self.hub.config, (self.hub.clock_ms)(), &mut random);
        let (flood, report) = Flood::new(spec, kit, random);
        if self.command(target, Command::Flood(Box::new(flood))).is_err() {
            return FloodReport::default();
        }
        report.await.unwrap_or_default()
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
        let chosen = open.find(|(id, _)| connection.is_none_or(|c| c == **id));
        let (id, handle) = chosen.ok_or(NoConnection)?;
        handle.send(command);
        Ok(*id)
    }
}
