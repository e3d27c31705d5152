//! What a frame was sent for.

use crate::websocket::sent;

/// What a frame was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// An event, by its key in the deliveries.
    Event(u64),
    /// A callback, by its number.
    Callback(u64),
}

/// One frame that was sent.
pub(super) type Sent = sent::Sent<Owner>;
/// The latest frames by message id.
pub(super) type SentFrames = sent::SentFrames<Owner>;
