//! How a connection ends.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Error as WsError;

use super::InFlight;

/// The metric label of a link that the peer closed.
pub(super) const CLOSED: &str = "closed";

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// We were told to stop.
    Stopped,
    /// It broke, or the peer closed it. The word is a metric label.
    Lost(&'static str),
    /// We gave it up for a new one. The word is a metric label.
    Recycled(&'static str),
    /// The platform says that a setting is wrong.
    Misconfigured(String),
}

impl End {
    /// Whether the peer may still be there, to say good-bye to.
    pub(super) fn has_peer(&self) -> bool {
        !matches!(self, Self::Lost(why) if *why != CLOSED)
    }

    /// The metric label.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Lost(why) | Self::Recycled(why) => why,
            Self::Misconfigured(_) => "misconfigured",
        }
    }
}

/// What is left of a connection.
pub struct Ended {
    /// Why it ended.
    pub end: End,
    /// The longest wait between two dials that the platform asked for.
    pub reconnect_interval: Duration,
    /// Handlers whose answers nobody waits for any more.
    pub unfinished: InFlight,
}

/// The metric label of a broken socket.
pub(super) fn fault(error: &WsError) -> &'static str {
    match error {
        WsError::Capacity(_) => "too_large",
        WsError::Protocol(_) | WsError::Utf8(_) | WsError::AttackAttempt => "protocol",
        WsError::ConnectionClosed | WsError::AlreadyClosed => CLOSED,
        _ => "io",
    }
}
