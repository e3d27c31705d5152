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
//! | `server` | [`Stream`]: the public face; accepts sockets |
//! | `hub` | what all connections share: who is connected, faults, tickets |
//! | `delivering` | events, callbacks and acknowledgements over the hub |
//! | `deliveries` | when an event is due (again); pure |
//! | `connection`, `link`, `socket`, `handshake` | one connection, from its task down to its bytes |
//! | `frame`, `wire_format`, `ack` | the protobuf frame and the answer in it |
//! | `shape`, `faults`, `raw` | what is put on the wire for one event, and how it is spoilt |
//! | `log` | what happened, and waiting for it |
//! | `flood` | the load generator for benchmarks of clients |

mod ack;
mod config;
mod connection;
mod deliveries;
mod delivering;
mod faults;
pub mod flood;
pub mod frame;
mod handshake;
mod hub;
mod link;
mod log;
mod raw;
mod sample;
mod sent;
mod server;
mod shape;
mod socket;
mod source;
mod ticket;
mod wire_format;

pub use config::{CONNECTION_LIMIT, CallbackError, EndpointRefusal, SERVICE_ID, StreamConfig};
pub use faults::{
    BlackHole, Close, CloseWhen, CopyTo, Cut, Duplicate, PartOrder, RefuseEndpoint, RefuseHandshake, Split,
    StreamFaults,
};
pub use flood::{FloodReport, FloodSpec, FloodTarget};
pub use log::{AckOutcome, StreamLogEntry, StreamLogKind};
pub use raw::{HexBytes, Raw};
pub use server::{NoConnection, Stream};
pub use source::{ClockMs, Sources};
