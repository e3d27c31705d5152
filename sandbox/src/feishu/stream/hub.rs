//! What the connections of one stream share: who is connected, the tickets, the faults, the counters.
//!
//! One lock for all of it; it is never held while anything is awaited. The log's lock may be taken under it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_tungstenite::{WebSocketStream, tungstenite::handshake::server::Request};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::websocket::{accept::Host, log::Log, socket::Socket};

use super::{
    ack::Ack,
    config::{CONNECTION_LIMIT, EndpointRefusal, StreamConfig},
    connection::{Command, Connection},
    deliveries::Deliveries,
    faults::StreamFaults,
    handshake,
    log::StreamLogKind,
    raw::Wire,
    sent::SentFrames,
    source::{ClockMs, Random, Sources},
    ticket::Tickets,
    trouble::{CloseWhen, RefuseHandshake},
};

/// Everything shared.
pub(super) struct Hub {
    pub(super) config: StreamConfig,
    pub(super) clock_ms: ClockMs,
    pub(super) log: Log<StreamLogKind>,
    /// Wakes the dispatcher: something is due, or somebody to deliver to has come.
    pub(super) wake: Notify,
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
    /// How many connections are open.
    pub(super) open: watch::Sender<usize>,
    /// Counts changes of the faults.
    pub(super) faults_set: watch::Sender<u64>,
    base_url: String,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) connections: BTreeMap<u64, Handle>,
    pub(super) deliveries: Deliveries,
    pub(super) sent: SentFrames,
    pub(super) callbacks: HashMap<u64, oneshot::Sender<Ack>>,
    pub(super) next_callback: u64,
    pub(super) next_log_id: u64,
    pub(super) faults: StreamFaults,
    pub(super) random: Random,
    next_connection: u64,
    /// Admitted and not yet connected: they count towards the limit.
    upgrading: BTreeSet<u64>,
    tickets: Tickets,
}

/// The hub's end of one connection.
pub(super) struct Handle {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    hole: Arc<AtomicBool>,
}

/// The connection's end.
pub(super) struct Seat {
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) hole: Arc<AtomicBool>,
}

impl Hub {
    /// A hub without connections, for a listener at that port.
    pub(super) fn new(config: StreamConfig, port: u16, sources: Sources) -> Self {
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        let state = State {
            connections: BTreeMap::new(),
            deliveries: Deliveries::new(config.redelivery(), config.callback_timeout),
            sent: SentFrames::default(),
            callbacks: HashMap::new(),
            next_callback: 0,
            next_log_id: 7_000,
            faults: StreamFaults::default(),
            random: Random::new(sources.seed),
            next_connection: 1,
            upgrading: BTreeSet::new(),
            tickets: Tickets::default(),
        };
        Self {
            base_url: format!("{scheme}://{}:{port}", config.public_host),
            config,
            log: Log::new(Arc::clone(&sources.clock_ms)),
            clock_ms: sources.clock_ms,
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

    /// What the endpoint answers: a ticket URL or a refusal.
    pub(super) fn issue_ticket(&self) -> Result<String, EndpointRefusal> {
        let issued = self.state().issue_ticket(&self.base_url);
        match issued {
            Ok((device_id, url)) => {
                self.log.write(None, StreamLogKind::Ticket { device_id });
                Ok(url)
            }
            Err(refusal) => {
                let code = refusal.code;
                self.log.write(None, StreamLogKind::EndpointRefused { code });
                Err(refusal)
            }
        }
    }

    /// The client configuration as it is told now.
    pub(super) fn client_config(&self) -> Value {
        let config = self.config.client_config();
        self.state().faults.spoil_client_config(config)
    }

    /// Decides on an upgrade; gives the device id of the ticket, which is then used up.
    pub(super) fn admit(&self, connection: u64, query: &str) -> Result<String, RefuseHandshake> {
        let mut state = self.state();
        if let Some(refusal) = state.faults.spend_refuse_handshake() {
            return Err(refusal);
        }
        let device_id = state.tickets.redeem(query);
        let device_id = device_id.ok_or_else(handshake::bad_ticket)?;
        if state.is_full() {
            return Err(handshake::too_many_connections());
        }
        state.upgrading.insert(connection);
        Ok(device_id)
    }

    /// From now on the connection gets events.
    pub(super) fn connected(&self, connection: u64, device_id: String) -> Seat {
        let (sender, commands) = mpsc::unbounded_channel();
        let hole = Arc::new(AtomicBool::new(false));
        let handle = Handle { commands: sender, hole: Arc::clone(&hole) };
        let mut state = self.state();
        state.upgrading.remove(&connection);
        state.connections.insert(connection, handle);
        self.open.send_replace(state.connections.len());
        drop(state);
        // Whoever waits for this line may set a fault for the connection at once: it has to be there by now.
        self.log.write(Some(connection), StreamLogKind::Connected { device_id });
        self.wake.notify_one();
        Seat { commands, hole }
    }

    /// The connection is over, or never became one.
    pub(super) fn gone(&self, connection: u64, last: StreamLogKind) {
        let mut state = self.state();
        state.upgrading.remove(&connection);
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
            let hole = swallowed.is_some_and(|h| h.connection.is_none_or(|only| only == *id));
            handle.hole.store(hole, Ordering::Release);
        }
        if let Some(close) = faults.close.take_if(|c| c.when == CloseWhen::Now) {
            let wire = Wire::close(close.code, &close.reason);
            for handle in state.connections.values() {
                handle.send(Command::Write(vec![wire.clone()]));
            }
        }
        state.faults = faults;
        drop(state);
        self.faults_set.send_modify(|n| *n += 1);
    }
}

impl Host for Hub {
    type Pass = String;

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
        let state = self.state();
        state.faults.black_hole.as_ref().is_some_and(|h| h.new)
    }

    fn faults_set(&self) -> watch::Receiver<u64> {
        self.faults_set.subscribe()
    }

    fn admit(&self, connection: u64, request: &Request) -> Result<String, RefuseHandshake> {
        handshake::admit(self, connection, request)
    }

    fn failed(&self, connection: u64, reason: String) {
        self.gone(connection, StreamLogKind::HandshakeFailed { reason });
    }

    async fn run(self: Arc<Self>, connection: u64, device_id: String, ws: WebSocketStream<Socket>) {
        let last = Connection::new(Arc::clone(&self), connection, device_id, ws).run().await;
        self.gone(connection, last);
    }
}

impl Handle {
    /// Hands the connection's task something to do; lost when the connection is just ending.
    pub(super) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.connections.len() + self.upgrading.len() >= CONNECTION_LIMIT
    }

    fn issue_ticket(&mut self, base_url: &str) -> Result<(String, String), EndpointRefusal> {
        if let Some(refusal) = self.faults.spend_refuse_endpoint() {
            let (code, msg) = (refusal.code, refusal.msg);
            return Err(EndpointRefusal { code, msg });
        }
        if let Some(url) = &self.faults.endpoint_url {
            return Ok((String::new(), url.clone()));
        }
        if self.is_full() {
            return Err(EndpointRefusal::too_many_connections());
        }
        Ok(self.tickets.issue(base_url, &mut self.random))
    }

    /// One random open connection, other than `except` where there is one.
    pub(super) fn choose(&mut self, except: Option<u64>) -> Option<u64> {
        let open: Vec<u64> =
            self.connections.iter().filter(|(_, handle)| !handle.commands.is_closed()).map(|(id, _)| *id).collect();
        let others: Vec<u64> = open.iter().copied().filter(|c| Some(*c) != except).collect();
        let pool = if others.is_empty() { open } else { others };
        pool.get(self.random.below(pool.len())).copied()
    }
}
