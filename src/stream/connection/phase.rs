//! Where a connection stands between its opening and its end.

use tokio::time::Instant;

use super::end::End;

/// The phases, in their order. None is entered twice.
pub(super) enum Phase {
    /// Reading and answering.
    Open,
    /// Answering only, until nothing is in flight or the time is up.
    Draining {
        /// When the time is up.
        until: Instant,
        /// Why the connection ends.
        end: End,
    },
    /// Over.
    Closed(End),
}

impl Phase {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Stops reading; what began to end before goes on as it is.
    pub(super) fn drain(&mut self, until: Instant, end: End) {
        if self.is_open() {
            *self = Self::Draining { until, end };
        }
    }

    /// Why the connection is over, if it is.
    pub(super) fn end(&self, all_answered: bool, now: Instant) -> Option<End> {
        match self {
            Self::Closed(end) => Some(end.clone()),
            Self::Draining { until, end } if all_answered || now >= *until => Some(end.clone()),
            _ => None,
        }
    }
}
