//! A frame made once, in which ids of fixed length are overwritten for each event.

use bytes::Bytes;
use serde_json::Value;

/// How long the id of a delivery is.
pub(super) const MESSAGE_ID_BYTES: usize = 36;
/// How long the ids of an event and of what it is about are.
pub(super) const ID_BYTES: usize = 32;

/// Placeholders; no other part of a frame can look like these, for want of capital letters.
const MESSAGE_ID: [u8; MESSAGE_ID_BYTES] = [b'M'; MESSAGE_ID_BYTES];
const EVENT_ID: [u8; ID_BYTES] = [b'E'; ID_BYTES];
const OWN_ID: [u8; ID_BYTES] = [b'O'; ID_BYTES];

/// Stands for the id of the delivery.
pub(crate) fn message_id() -> String {
    text(&MESSAGE_ID)
}

/// Stands for the id of the event.
pub(crate) fn event_id() -> String {
    text(&EVENT_ID)
}

/// Stands for the id that the event itself has: of a message, or of a tap.
pub(crate) fn own_id() -> String {
    text(&OWN_ID)
}

/// The event with as much padding as makes its JSON that long.
pub(crate) fn padded(mut event: Value, bytes: usize, pad: impl Fn(&mut Value, String)) -> String {
    pad(&mut event, String::new());
    let missing = bytes.saturating_sub(event.to_string().len());
    pad(&mut event, "x".repeat(missing));
    event.to_string()
}

/// One kind of event.
pub(crate) struct Template {
    bytes: Vec<u8>,
    message_id: usize,
    /// Absent where deliveries of this kind have no id but their own.
    event_id: Option<usize>,
    own_id: usize,
}

impl Template {
    /// A frame with the placeholders in it; nothing when one got lost, which a test excludes.
    pub(crate) fn of(bytes: Vec<u8>) -> Option<Self> {
        Some(Self {
            message_id: position(&bytes, &MESSAGE_ID)?,
            event_id: position(&bytes, &EVENT_ID),
            own_id: position(&bytes, &OWN_ID)?,
            bytes,
        })
    }

    /// Whether an event of this kind can come again and be known by its id.
    pub(super) const fn has_event_id(&self) -> bool {
        self.event_id.is_some()
    }

    /// Makes it a new event.
    pub(crate) fn renew(&mut self, event_id: &[u8; ID_BYTES], own_id: &[u8; ID_BYTES]) {
        if let Some(at) = self.event_id {
            self.bytes[at..][..ID_BYTES].copy_from_slice(event_id);
        }
        self.bytes[self.own_id..][..ID_BYTES].copy_from_slice(own_id);
    }

    /// The frame of the present event under that message id.
    pub(crate) fn frame(&mut self, message_id: &[u8; MESSAGE_ID_BYTES]) -> Bytes {
        self.bytes[self.message_id..][..MESSAGE_ID_BYTES].copy_from_slice(message_id);
        Bytes::copy_from_slice(&self.bytes)
    }
}

fn text(placeholder: &[u8]) -> String {
    placeholder.iter().map(|b| char::from(*b)).collect()
}

fn position(bytes: &[u8], placeholder: &[u8]) -> Option<usize> {
    bytes.windows(placeholder.len()).position(|w| w == placeholder)
}
