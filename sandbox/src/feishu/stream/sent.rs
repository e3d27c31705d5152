//! Which frame belongs to what: message id to event or callback, for the acknowledgement to come.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

/// How many frames are remembered; acknowledgements of older ones are unknown.
const REMEMBERED: usize = 50_000;

/// What a frame was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// An event, by its key in the deliveries.
    Event(u64),
    /// A callback, by its number.
    Callback(u64),
}

/// One frame that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// What it was sent for.
    pub(super) owner: Owner,
    /// For the log.
    pub(super) event_id: String,
    /// An acknowledgement after this is late.
    pub(super) deadline: Instant,
}

/// The latest frames by message id.
#[derive(Default)]
pub(super) struct SentFrames {
    by_message_id: HashMap<String, Sent>,
    order: VecDeque<String>,
}

impl SentFrames {
    /// Remembers a frame, forgetting the oldest one when there are too many.
    pub(super) fn insert(&mut self, message_id: &str, sent: Sent) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_message_id.remove(&oldest);
        }
        self.order.push_back(message_id.to_owned());
        self.by_message_id.insert(message_id.to_owned(), sent);
    }

    /// The frame with that message id.
    pub(super) fn get(&self, message_id: &str) -> Option<&Sent> {
        self.by_message_id.get(message_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut frames = SentFrames::default();
        let sent = Sent { owner: Owner::Event(1), event_id: "e".to_owned(), deadline: Instant::now() };
        for n in 0..=REMEMBERED {
            frames.insert(&n.to_string(), sent.clone());
        }
        assert!(frames.get("0").is_none());
        assert_eq!(frames.get("1").unwrap().owner, Owner::Event(1));
        assert_eq!(frames.order.len(), REMEMBERED);
    }
}
