//! The long connection, tried over real loopback sockets with a client that is not the gateway's.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helping functions too")]

mod captures;
mod client;
mod delivery;
mod faults;
mod flood;
mod raw_faults;
mod tickets;
