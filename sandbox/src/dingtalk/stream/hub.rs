//! What the connections of one stream share: who is connected, the tickets, the faults, the counters.
//!
//! One lock for all of it; it is never held while anything is awaited. The log's lock may be taken under it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::StreamConfig;
use super::connection::{Command, Connection};
use super::faults::{RefuseOpen, StreamFaults};
use super::frame::{Ack, Kind};
use super::log::StreamLogKind;
use super::subscription::Subscriptions;
use super::ticket::{self, Pass, Tickets};
use crate::websocket::accept::Host;
use crate::websocket::deliveries::Deliveries;
use crate::websocket::log::Log;
use crate::websocket::raw::Wire;
use crate::websocket::sent::SentFrames;
use crate::websocket::socket::Socket;
use crate::websocket::source::Random;
use crate::websocket::trouble::{CloseWhen, RefuseHandshake};

/// What a frame was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// An event, by its key in the deliveries.
    Event(u64),
    /// A callback that somebody waits for, by its number.
    Callback(u64),
    /// Something that needs no answer.
    Nobody,
}

/// Everything shared.
pub(super) struct Hub {
    pub(super) config: StreamConfig,
    pub(super) log: Log<StreamLogKind>,
    /// Wakes the dispatcher: something is due, or somebody to deliver to has come.
    pub(super) wake: Notify,
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
    /// How many connections are open.
    pub(super) open: watch::Sender<usize>,
    /// Counts changes of the faults.
    pub(super) faults_set: watch::Sender<u64>,
    endpoint: String,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) connections: BTreeMap<u64, Handle>,
    pub(super) deliveries: Deliveries,
    pub(super) sent: SentFrames<Owner>,
    pub(super) callbacks: HashMap<u64, oneshot::Sender<Ack>>,
    pub(super) next_callback: u64,
    pub(super) faults: StreamFaults,
    pub(super) random: Random,
    next_connection: u64,
    tickets: Tickets,
}

/// The hub's end of one connection.
pub(super) struct Handle {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) pass: Pass,
    /// `disconnect` was sent: nothing is pushed any more.
    pub(super) draining: bool,
    hole: Arc<AtomicBool>,
}

/// The connection's end.
pub(super) struct Seat {
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) hole: Arc<AtomicBool>,
}

impl Hub {
    /// A hub without connections, for a listener at that port.
    pub(super) fn new(config: StreamConfig, port: u16) -> Self {
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        let clock = Arc::clone(&config.clock);
        let again = config.redelivery();
        let state = State {
            connections: BTreeMap::new(),
            deliveries: Deliveries::new([again; 4], again),
            sent: SentFrames::default(),
            callbacks: HashMap::new(),
            next_callback: 0,
            faults: StreamFaults::default(),
            random: Random::new(config.seed),
            next_connection: 1,
            tickets: Tickets::default(),
        };
        Self {
            // The port is named even where it is the usual one: a client's source builds the address anew from it.
            endpoint: format!("{scheme}://{}:{port}{}", config.public_host, ticket::PATH),
            log: Log::new(Arc::new(move || u64::try_from(clock.now_ms()).unwrap_or_default())),
            config,
            wake: Notify::new(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            open: watch::Sender::new(0),
            faults_set: watch::Sender::new(0),
            state: Mutex::new(state),
        }
    }

    /// The shared state, for as short as possible.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `connections/open` answers: endpoint and ticket, or a refusal.
    pub(super) fn issue_ticket(&self, subscriptions: Subscriptions) -> Result<(String, String), RefuseOpen> {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(refusal) = state.faults.spend_refuse_open() {
            drop(guard);
            self.log.write(None, StreamLogKind::OpenRefused { status: refusal.status });
            return Err(refusal);
        }
        let names = subscriptions.names();
        let (secret, pass) = state.tickets.issue(subscriptions, &mut state.random, self.config.clock.now_ms());
        let endpoint = state.faults.endpoint.clone().unwrap_or_else(|| self.endpoint.clone());
        drop(guard);
        self.log.write(None, StreamLogKind::Ticket { connection_id: pass.connection_id, subscriptions: names });
        Ok((endpoint, secret))
    }

    /// From now on the connection gets pushes.
    pub(super) fn connected(&self, connection: u64, pass: Pass) -> Seat {
        let (sender, commands) = mpsc::unbounded_channel();
        let hole = Arc::new(AtomicBool::new(false));
        let connection_id = pass.connection_id.clone();
        let handle = Handle { commands: sender, pass, draining: false, hole: Arc::clone(&hole) };
        let mut state = self.state();
        state.connections.insert(connection, handle);
        self.open.send_replace(state.connections.len());
        drop(state);
        // Whoever waits for this line may act on the connection at once: it has to be there by now.
        self.log.write(Some(connection), StreamLogKind::Connected { connection_id });
        self.wake.notify_one();
        Seat { commands, hole }
    }

    /// The connection is over, or never became one.
    pub(super) fn gone(&self, connection: u64, last: StreamLogKind) {
        let mut state = self.state();
        if state.connections.remove(&connection).is_some() {
            self.open.send_replace(state.connections.len());
        }
        drop(state);
        self.log.write(Some(connection), last);
    }

    /// All tasks are over.
    pub(super) fn forget_connections(&self) {
        self.state().connections.clear();
        self.open.send_replace(0);
    }

    /// Replaces the faults; those that act at once do so.
    pub(super) fn set_faults(&self, mut faults: StreamFaults) {
        let mut state = self.state();
        let swallowed = faults.black_hole.as_ref();
        for (id, handle) in &state.connections {
            let hole = swallowed.is_some_and(|hole| hole.connection.is_none_or(|only| only == *id));
            handle.hole.store(hole, Ordering::Release);
        }
        if let Some(close) = faults.close.take_if(|close| close.when == CloseWhen::Now) {
            let wire = Wire::close(close.code, &close.reason);
            for handle in state.connections.values() {
                handle.send(Command::Write(vec![wire.clone()]));
            }
        }
        state.faults = faults;
        drop(state);
        self.faults_set.send_modify(|count| *count += 1);
    }
}

impl Host for Hub {
    type Pass = Pass;

    fn tls(&self) -> Option<&Arc<rustls::ServerConfig>> {
        self.config.tls.as_ref()
    }

    fn tasks(&self) -> (&TaskTracker, &CancellationToken) {
        (&self.tracker, &self.stop)
    }

    fn dialled(&self) -> u64 {
        let mut state = self.state();
        let id = state.next_connection;
        state.next_connection += 1;
        drop(state);
        self.log.write(Some(id), StreamLogKind::Dial);
        id
    }

    fn swallows_new(&self) -> bool {
        self.state().faults.black_hole.as_ref().is_some_and(|hole| hole.new)
    }

    fn faults_set(&self) -> watch::Receiver<u64> {
        self.faults_set.subscribe()
    }

    fn admit(&self, _: u64, request: &Request) -> Result<Pass, RefuseHandshake> {
        let refuse = |status| RefuseHandshake { status, headers: BTreeMap::new(), times: None };
        let mut state = self.state();
        if let Some(refusal) = state.faults.spend_refuse_handshake() {
            return Err(refusal);
        }
        if request.uri().path() != ticket::PATH {
            return Err(refuse(404));
        }
        let query = request.uri().query().unwrap_or_default();
        state.tickets.redeem(query, self.config.clock.now_ms()).ok_or_else(|| refuse(400))
    }

    fn failed(&self, connection: u64, reason: String) {
        self.gone(connection, StreamLogKind::HandshakeFailed { reason });
    }

    async fn run(self: Arc<Self>, connection: u64, pass: Pass, ws: WebSocketStream<Socket>) {
        let last = Connection::new(Arc::clone(&self), connection, pass, ws).run().await;
        self.gone(connection, last);
    }
}

impl Handle {
    /// Hands the connection's task something to do; lost when the connection is just ending.
    pub(super) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    fn takes(&self, kind: Kind, topic: &str) -> bool {
        !self.draining && !self.commands.is_closed() && self.pass.subscriptions.want(kind, topic)
    }
}

impl State {
    /// One random connection that wants such a push, other than `except` where there is one.
    pub(super) fn choose(&mut self, kind: Kind, topic: &str, except: Option<u64>) -> Option<u64> {
        let takers = self.connections.iter().filter(|(_, handle)| handle.takes(kind, topic));
        let takers: Vec<u64> = takers.map(|(id, _)| *id).collect();
        let others: Vec<u64> = takers.iter().copied().filter(|id| Some(*id) != except).collect();
        let pool = if others.is_empty() { takers } else { others };
        pool.get(self.random.below(pool.len())).copied()
    }
}
