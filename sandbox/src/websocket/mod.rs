//! What the long connections of all simulated platforms are made of: sockets, their bytes, when an event is due again, and
//! what is written down of them. It must not know any platform's frames, tickets or rules.
//!
//! | module | what it is |
//! |---|---|
//! | `accept` | from a listener to a running connection |
//! | [`server`], [`seats`] | the public face of a stream, and who is connected |
//! | `socket`, `link` | the bytes below WebSocket; one open WebSocket with an outbox |
//! | [`raw`] | what is put on a connection, well-formed or not |
//! | `deliveries` | when an event is due, first and again; pure |
//! | `sent` | which frame an acknowledgement names |
//! | [`trouble`] | the faults that need no frames |
//! | [`log`] | what happened |
//! | [`flood`] | the load generator for benchmarks of clients |
//! | [`source`] | time stamps and randomness |

pub(crate) mod accept;
pub(crate) mod deliveries;
pub mod flood;
pub(crate) mod link;
pub mod log;
pub mod raw;
pub mod seats;
pub(crate) mod sent;
pub mod server;
pub(crate) mod socket;
pub mod source;
pub mod trouble;
