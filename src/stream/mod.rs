//! Long-lived connections that a platform pushes events over. Knows WebSocket, knows no platform.
//!
//! The platform's side of the contract is [`contract`]; a connection is one task that owns one socket
//! (`connection.rs`); the supervisor keeps the wanted number of them up (`supervisor.rs`).

pub mod connection;
pub mod contract;
pub mod status;
pub mod supervisor;

#[cfg(test)]
pub(crate) mod rig;
