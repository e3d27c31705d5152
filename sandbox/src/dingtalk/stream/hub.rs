//! What the connections of one stream share: who is connected, the tickets, the faults, the counters.
//!
//! One lock for all of it; it is never held while anything is awaited. The log's lock may be taken under it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::config::StreamConfig;
use super::connection::{Command, Connection};
use super::faults::{RefuseOpen, StreamFaults};
use super::flood;
use super::frame::{Ack, Kind};
use super::log::StreamLogKind;
use super::subscription::Subscriptions;
use super::ticket::{self, Pass, Tickets};
use crate::websocket::accept::Host;
use crate::websocket::deliveries::Deliveries;
use crate::websocket::flood::{Flood, FloodReport, FloodSpec};
use crate::websocket::raw::Raw;
use crate::websocket::seats::{NoConnection, Seat, Seats};
use crate::websocket::sent::SentFrames;
use crate::websocket::server::{self, Base};
use crate::websocket::socket::Socket;
use crate::websocket::source::Random;
use crate::websocket::trouble::RefuseHandshake;

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
pub struct Hub {
    pub(super) config: StreamConfig,
    base: Base<StreamLogKind>,
    endpoint: String,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) seats: Seats<Guest, Command>,
    pub(super) deliveries: Deliveries,
    pub(super) sent: SentFrames<Owner>,
    pub(super) callbacks: HashMap<u64, oneshot::Sender<Ack>>,
    pub(super) next_callback: u64,
    pub(super) faults: StreamFaults,
    pub(super) random: Random,
    tickets: Tickets,
}

/// What is kept of a connection.
pub(super) struct Guest {
    pub(super) pass: Pass,
    /// `disconnect` was sent: nothing is pushed any more.
    pub(super) draining: bool,
}

impl Hub {
    /// A hub without connections, for a listener at that port.
    pub(super) fn new(config: StreamConfig, port: u16) -> Self {
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        let clock = Arc::clone(&config.clock);
        let again = config.redelivery();
        let state = State {
            seats: Seats::default(),
            deliveries: Deliveries::new([again; 4], again),
            sent: SentFrames::default(),
            callbacks: HashMap::new(),
            next_callback: 0,
            faults: StreamFaults::default(),
            random: Random::new(config.seed),
            tickets: Tickets::default(),
        };
        Self {
            // The port is named even where it is the usual one: a client's source builds the address anew from it.
            endpoint: format!("{scheme}://{}:{port}{}", config.public_host, ticket::PATH),
            base: Base::new(Arc::new(move || u64::try_from(clock.now_ms()).unwrap_or_default())),
            config,
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
    pub(super) fn connected(&self, connection: u64, pass: Pass) -> Seat<Command> {
        let connection_id = pass.connection_id.clone();
        let mut state = self.state();
        let seat = state.seats.take(connection, Guest { pass, draining: false });
        self.open.send_replace(state.seats.len());
        drop(state);
        // Whoever waits for this line may act on the connection at once: it has to be there by now.
        self.log.write(Some(connection), StreamLogKind::Connected { connection_id });
        self.wake.notify_one();
        seat
    }

    /// The connection is over, or never became one.
    pub(super) fn gone(&self, connection: u64, last: StreamLogKind) {
        let mut state = self.state();
        if state.seats.leave(connection) {
            self.open.send_replace(state.seats.len());
        }
        drop(state);
        self.log.write(Some(connection), last);
    }
}

impl Deref for Hub {
    type Target = Base<StreamLogKind>;

    fn deref(&self) -> &Self::Target {
        &self.base
    }
}

impl server::Hub for Hub {
    type Kind = StreamLogKind;
    type Faults = StreamFaults;

    fn base(&self) -> &Base<StreamLogKind> {
        &self.base
    }

    fn faults(&self) -> StreamFaults {
        self.state().faults.clone()
    }

    fn set_faults(&self, mut faults: StreamFaults) {
        let mut state = self.state();
        state.seats.suffer(faults.black_hole.as_ref(), &mut faults.close);
        state.faults = faults;
        drop(state);
        self.faults_set.send_modify(|count| *count += 1);
    }

    fn send_raw(&self, connection: Option<u64>, raw: Vec<Raw>) -> Result<u64, NoConnection> {
        let wires = raw.into_iter().map(Into::into).collect();
        self.state().seats.tell(connection, Command::Write(wires))
    }

    fn flood(&self, connection: Option<u64>, spec: FloodSpec) -> Result<oneshot::Receiver<FloodReport>, NoConnection> {
        let state = self.state();
        let connection = state.seats.resolve(connection)?;
        let random = Random::new(spec.seed);
        let kit = flood::kit(self, &state, connection, &spec);
        let (flood, report) = Flood::new(spec, kit, random);
        state.seats.tell(Some(connection), Command::Flood(Box::new(flood)))?;
        Ok(report)
    }

    fn forget_connections(&self) {
        self.state().seats.clear();
        self.open.send_replace(0);
    }
}

impl Host for Hub {
    type Pass = Pass;

    fn tls(&self) -> Option<&Arc<rustls::ServerConfig>> {
        self.config.tls.as_ref()
    }

    fn dialled(&self) -> u64 {
        let id = self.state().seats.number();
        self.log.write(Some(id), StreamLogKind::Dial);
        id
    }

    fn swallows_new(&self) -> bool {
        self.state().faults.black_hole.as_ref().is_some_and(|hole| hole.new)
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

impl State {
    /// One random connection that wants such a push, other than `except` where there is one.
    pub(super) fn choose(&mut self, kind: Kind, topic: &str, except: Option<u64>) -> Option<u64> {
        let takes = |guest: &Guest| !guest.draining && guest.pass.subscriptions.want(kind, topic);
        self.seats.choose(&mut self.random, except, takes)
    }
}
