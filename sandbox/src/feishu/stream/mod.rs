//! The long connection of the simulated Feishu: the server side of the event stream.
//!
//! [`Stream`] listens on its own TCP port, hands out single-use ticket URLs, pushes events as protobuf
//! frames over WebSocket, matches acknowledgements and redelivers what was not acknowledged. Every way in
//! which the real platform, or the network before it, can misbehave is a field of [`StreamFaults`].
//!
//! It must not know the gateway, people, messages or cards: an event is a JSON envelope that somebody else
//! made. The wire format is written here a second time on purpose, so that a mistake of the gateway's own
//! codec cannot agree with itself.
//!
//! | module | what it is |
//! |---|---|
//! | `server` | [`Stream`]: the public face; hands out tickets |
//! | `hub` | what all connections share: who is connected, faults, tickets |
//! | `delivering` | events, callbacks and acknowledgements over the hub |
//! | `posting` | the same by webhook, where the app's administrator chose that |
//! | `connection`, `handshake` | one connection and its beginning; below it is [`crate::websocket`] |
//! | `frame`, `wire_format`, `ack` | the protobuf frame and the answer in it |
//! | `shape`, `faults` | what is put on the wire for one event, and how it is spoilt |
//! | `log` | what can happen |
//! | `flood`, `ack_scan` | what [`crate::websocket::flood`] needs of this platform |

mod ack;
mod ack_scan;
mod config;
mod connection;
mod delivering;
mod faults;
mod flood;
pub mod frame;
mod handshake;
mod hub;
mod log;
mod posting;
mod sample;
mod sent;
mod server;
mod shape;
mod ticket;
mod wire_format;

use crate::websocket::{deliveries, link, raw, socket, source, trouble};

pub use crate::websocket::flood::{FloodReport, FloodSpec, FloodTarget};
pub use crate::websocket::raw::{HexBytes, Raw};
pub use crate::websocket::seats::NoConnection;
pub use crate::websocket::source::{ClockMs, Sources};
pub use crate::websocket::trouble::{BlackHole, Close, CloseWhen, CopyTo, Duplicate, RefuseHandshake};
pub use config::{CONNECTION_LIMIT, CallbackError, EndpointRefusal, SERVICE_ID, StreamConfig};
pub use faults::{Cut, PartOrder, RefuseEndpoint, Split, StreamFaults};
pub use hub::Hub;
pub use log::{AckOutcome, PostOutcome, StreamLogEntry, StreamLogKind};
pub use server::Stream;
