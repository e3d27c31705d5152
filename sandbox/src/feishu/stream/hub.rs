//! What the connections of one stream share: who is connected, the tickets, the faults, the counters.
//!
//! One lock for all of it; it is never held while anything is awaited. The log's lock may be taken under it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::ack::Ack;
use super::config::{CONNECTION_LIMIT, EndpointRefusal, StreamConfig};
use super::connection::{Command, Connection};
use super::faults::StreamFaults;
use super::log::StreamLogKind;
use super::sent::SentFrames;
use super::ticket::Tickets;
use super::{flood, handshake};
use crate::feishu::webhook::Endpoint;
use crate::websocket::accept::Host;
use crate::websocket::deliveries::Deliveries;
use crate::websocket::flood::{Flood, FloodReport, FloodSpec};
use crate::websocket::raw::Raw;
use crate::websocket::seats::{NoConnection, Seat, Seats};
use crate::websocket::server::{self, Base};
use crate::websocket::socket::Socket;
use crate::websocket::source::{ClockMs, Random, Sources};
use crate::websocket::trouble::RefuseHandshake;

/// Everything shared.
pub struct Hub {
    pub(super) config: StreamConfig,
    pub(super) clock_ms: ClockMs,
    base: Base<StreamLogKind>,
    base_url: String,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) seats: Seats<(), Command>,
    pub(super) deliveries: Deliveries,
    pub(super) sent: SentFrames,
    pub(super) callbacks: HashMap<u64, oneshot::Sender<Ack>>,
    pub(super) next_callback: u64,
    pub(super) next_log_id: u64,
    pub(super) faults: StreamFaults,
    pub(super) random: Random,
    /// Where events are posted, if they are.
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// Admitted and not yet connected: they count towards the limit.
    upgrading: BTreeSet<u64>,
    tickets: Tickets,
}

impl Hub {
    /// A hub without connections, for a listener at that port.
    pub(super) fn new(config: StreamConfig, port: u16, sources: Sources) -> Self {
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        let state = State {
            seats: Seats::default(),
            deliveries: Deliveries::new(config.redelivery(), config.callback_timeout),
            sent: SentFrames::default(),
            callbacks: HashMap::new(),
            next_callback: 0,
            next_log_id: 7_000,
            faults: StreamFaults::default(),
            random: Random::new(sources.seed),
            endpoint: None,
            upgrading: BTreeSet::new(),
            tickets: Tickets::default(),
        };
        Self {
            base_url: format!("{scheme}://{}:{port}", config.public_host),
            config,
            base: Base::new(Arc::clone(&sources.clock_ms)),
            clock_ms: sources.clock_ms,
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
    pub(super) fn connected(&self, connection: u64, device_id: String) -> Seat<Command> {
        let mut state = self.state();
        state.upgrading.remove(&connection);
        let seat = state.seats.take(connection, ());
        self.open.send_replace(state.seats.len());
        drop(state);
        // Whoever waits for this line may set a fault for the connection at once: it has to be there by now.
        self.log.write(Some(connection), StreamLogKind::Connected { device_id });
        self.wake.notify_one();
        seat
    }

    /// The connection is over, or never became one.
    pub(super) fn gone(&self, connection: u64, last: StreamLogKind) {
        let mut state = self.state();
        state.upgrading.remove(&connection);
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
        let mut random = Random::new(spec.seed);
        let kit = flood::kit(&spec, &self.config, (self.clock_ms)(), &mut random);
        let (flood, report) = Flood::new(spec, kit, random);
        self.state().seats.tell(connection, Command::Flood(Box::new(flood)))?;
        Ok(report)
    }

    fn forget_connections(&self) {
        self.state().seats.clear();
        self.open.send_replace(0);
    }
}

impl Host for Hub {
    type Pass = String;

    fn tls(&self) -> Option<&Arc<rustls::ServerConfig>> {
        self.config.tls.as_ref()
    }

    fn dialled(&self) -> u64 {
        let id = self.state().seats.number();
        self.log.write(Some(id), StreamLogKind::Dial);
        id
    }

    fn swallows_new(&self) -> bool {
        let state = self.state();
        state.faults.black_hole.as_ref().is_some_and(|h| h.new)
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

impl State {
    fn is_full(&self) -> bool {
        self.seats.len() + self.upgrading.len() >= CONNECTION_LIMIT
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
        self.seats.choose(&mut self.random, except, |()| true)
    }
}
