//! The public face of a stream: a listener, the connections that came of it, and what a test can do with all of them.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::accept::{Host, accept, spawn};
use super::flood::{FloodReport, FloodSpec};
use super::log::{Log, LogEntry};
use super::raw::Raw;
use super::seats::NoConnection;
use super::source::ClockMs;

/// What every hub has. `K` is what can happen to its connections.
pub struct Base<K> {
    pub(crate) log: Log<K>,
    /// Wakes the dispatcher: something is due, or somebody to deliver to has come.
    pub(crate) wake: Notify,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// How many connections are open.
    pub(crate) open: watch::Sender<usize>,
    /// Counts changes of the faults.
    pub(crate) faults_set: watch::Sender<u64>,
}

impl<K: Clone> Base<K> {
    /// Without connections.
    pub(crate) fn new(clock_ms: ClockMs) -> Self {
        Self {
            log: Log::new(clock_ms),
            wake: Notify::new(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            open: watch::Sender::new(0),
            faults_set: watch::Sender::new(0),
        }
    }
}

/// A platform's hub, as far as every server is the same.
pub trait Hub: Send + Sync + 'static {
    /// What can happen.
    type Kind: Clone + Send + Sync;
    /// How it can misbehave.
    type Faults;

    /// What every hub has.
    fn base(&self) -> &Base<Self::Kind>;
    /// The faults that still act.
    fn faults(&self) -> Self::Faults;
    /// Replaces the faults; those that act at once do so.
    fn set_faults(&self, faults: Self::Faults);
    /// Puts these on that connection, or on the oldest; gives its number.
    fn send_raw(&self, connection: Option<u64>, raw: Vec<Raw>) -> Result<u64, NoConnection>;
    /// Begins a flood over that connection, or over the oldest; says where its report will come from.
    fn flood(&self, connection: Option<u64>, spec: FloodSpec) -> Result<oneshot::Receiver<FloodReport>, NoConnection>;
    /// All tasks are over.
    fn forget_connections(&self);
}

/// One app's long connections. Ends with its last owner, or by [`Server::stop`].
pub struct Server<H: Hub> {
    pub(crate) hub: Arc<H>,
    address: SocketAddr,
    _stop_on_drop: DropGuard,
}

impl<H: Hub> Server<H> {
    /// Takes what comes to this listener.
    pub(crate) fn over(listener: TcpListener, address: SocketAddr, hub: Arc<H>) -> Self
    where
        H: Host,
    {
        spawn(&hub, |hub| accept(hub, listener));
        Self { address, _stop_on_drop: hub.base().stop.clone().drop_guard(), hub }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.hub.base().open.borrow()
    }

    /// Waits until exactly that many connections are open.
    pub async fn wait_for_connections(&self, count: usize) {
        // The sender lives as long as the hub, so this cannot fail.
        let _ = self.hub.base().open.subscribe().wait_for(|open| *open == count).await;
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: H::Faults) {
        self.hub.set_faults(faults);
    }

    /// The faults that still act, with the times that they have left.
    #[must_use]
    pub fn faults(&self) -> H::Faults {
        self.hub.faults()
    }

    /// Puts these on a connection verbatim: on that one, or on the oldest; gives its number.
    pub fn send_raw(&self, connection: Option<u64>, raw: impl IntoIterator<Item = Raw>) -> Result<u64, NoConnection> {
        self.hub.send_raw(connection, raw.into_iter().collect())
    }

    /// What happened so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry<H::Kind>> {
        self.hub.base().log.read()
    }

    /// Waits until `find` finds what it looks for in the log. It must not call the stream.
    pub async fn wait_for<T>(&self, find: impl FnMut(&[LogEntry<H::Kind>]) -> Option<T>) -> T {
        self.hub.base().log.wait_for(find).await
    }

    /// Loads one connection with events and taps and measures its acknowledgements. Waits for a connection where the target is
    /// the first one and there is none; reports nothing sent where the target is gone.
    pub async fn flood(&self, spec: FloodSpec) -> FloodReport {
        let target = spec.connection.wait(&self.hub.base().open).await;
        match self.hub.flood(target, spec) {
            Ok(report) => report.await.unwrap_or_default(),
            Err(NoConnection) => FloodReport::default(),
        }
    }

    /// Ends all connections without a word, and the listener; returns when all tasks are over.
    pub async fn stop(&self) {
        let base = self.hub.base();
        base.stop.cancel();
        base.tracker.close();
        base.tracker.wait().await;
        self.hub.forget_connections();
    }
}
