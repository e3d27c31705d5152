//! The time limits of a connection.

use std::time::Duration;

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time between two WebSocket pings; after two and a half of it without an inbound frame the link is dead.
    pub heartbeat: Duration,
    /// The time that a handler has.
    pub handler: Duration,
    /// The time for answering what is in flight at an orderly end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            handler: Duration::from_millis(2_500),
            drain: Duration::from_secs(3),
        }
    }
}
