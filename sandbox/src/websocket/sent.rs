//! Which frame belongs to what: message id to what it was sent for, for the acknowledgement to come.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

/// How many frames are remembered; acknowledgements of older ones are unknown.
const REMEMBERED: usize = 50_000;

/// One frame that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent<O> {
    /// What it was sent for.
    pub(crate) owner: O,
    /// For the log.
    pub(crate) event_id: String,
    /// An acknowledgement after this is late.
    pub(crate) deadline: Instant,
}

/// The latest frames by message id.
pub(crate) struct SentFrames<O> {
    by_message_id: HashMap<String, Sent<O>>,
    order: VecDeque<String>,
}

impl<O> Default for SentFrames<O> {
    fn default() -> Self {
        Self { by_message_id: HashMap::new(), order: VecDeque::new() }
    }
}

impl<O> SentFrames<O> {
    /// Remembers a frame, forgetting the oldest one when there are too many.
    pub(crate) fn insert(&mut self, message_id: &str, sent: Sent<O>) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_message_id.remove(&oldest);
        }
        self.order.push_back(message_id.to_owned());
        self.by_message_id.insert(message_id.to_owned(), sent);
    }

    /// The frame with that message id.
    pub(crate) fn get(&self, message_id: &str) -> Option<&Sent<O>> {
        self.by_message_id.get(message_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut frames = SentFrames::default();
        let sent = Sent { owner: 1, event_id: "e".to_owned(), deadline: Instant::now() };
        for n in 0..=REMEMBERED {
            frames.insert(&n.to_string(), sent.clone());
        }
        assert!(frames.get("0").is_none());
        assert_eq!(frames.get("1").unwrap().owner, 1);
        assert_eq!(frames.order.len(), REMEMBERED);
    }
}
