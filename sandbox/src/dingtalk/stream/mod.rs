//! The long connection of the simulated DingTalk ("Stream mode"): the server side.
//!
//! A client asks `connections/open` for a single-use ticket, connects, and gets JSON frames: `SYSTEM` (ping, disconnect), `EVENT`
//! (delivered again until accepted) and `CALLBACK` (delivered once, to nobody when nobody listens). Each push goes to one random
//! connection that subscribed to its topic.
//!
//! It must not know the gateway, people or cards: what is pushed was made by somebody else. Ways to misbehave are in
//! [`StreamFaults`].
//!
//! | module | what it is |
//! |---|---|
//! | `server` | [`Stream`]: the public face |
//! | `hub` | what all connections share: who is connected, faults, tickets |
//! | `delivering` | pushes and acknowledgements over the hub |
//! | `connection` | the task of one connection |
//! | [`frame`] | the frames of both directions |
//! | `subscription` | what a client wants to hear |
//! | `flood` | what [`crate::websocket::flood`] needs of this platform |
//! | `ticket`, `faults`, `log`, `config` | as they say |

mod config;
mod connection;
mod delivering;
mod faults;
mod flood;
pub mod frame;
mod hub;
mod log;
mod server;
mod subscription;
mod ticket;

pub use crate::websocket::seats::NoConnection;
pub use config::{CallbackError, StreamConfig};
pub use faults::{RefuseOpen, StreamFaults};
pub use hub::Hub;
pub use log::{AckOutcome, StreamLogEntry, StreamLogKind};
pub use server::Stream;
pub use subscription::Subscriptions;
