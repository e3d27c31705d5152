//! The place of a flood in a connection's task.

use tokio::time::Instant;

use super::Flood;
use crate::websocket::link::Link;

/// The flood over a connection, if there is one. Its report is handed in when it is over, replaced or dropped.
#[derive(Default)]
pub(crate) struct Flooding(Option<Box<Flood>>);

impl Flooding {
    /// Begins a flood in place of the one before.
    pub(crate) fn begin(&mut self, flood: Box<Flood>) {
        self.end();
        self.0 = Some(flood);
    }

    /// Keeps the window full.
    pub(crate) fn go_on(&mut self, link: &mut Link) {
        let Some(flood) = &mut self.0 else { return };
        flood.fill(Instant::now(), link);
        if flood.is_over(Instant::now()) {
            self.end();
        }
    }

    /// Counts an acknowledgement; false when it is none of this flood's.
    pub(crate) fn takes(&mut self, frame: &[u8], now: Instant) -> bool {
        self.0.as_mut().is_some_and(|flood| flood.take_ack(frame, now))
    }

    /// When to look at it again although nothing arrived.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|flood| flood.deadline(Instant::now()))
    }

    fn end(&mut self) {
        if let Some(flood) = self.0.take() {
            flood.finish();
        }
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.end();
    }
}
