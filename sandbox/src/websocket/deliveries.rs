//! When each event is due, first and again: a pure record, to which `now` is told.
//!
//! An event is delivered at once, and after each failure again: four more times at growing intervals, until
//! an acknowledgement settles it. Who delivers, and to whom, is not known here.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

/// An event as the stream carries it: the platform's names and the payload.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Same in every delivery.
    pub(crate) id: String,
    /// For the log.
    pub(crate) kind: String,
    /// The envelope as JSON.
    pub(crate) payload: Bytes,
    /// The connection of the first delivery; any when absent.
    pub(crate) target: Option<u64>,
}

/// One delivery to be made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Names the event towards [`Deliveries::settle`].
    pub(crate) key: u64,
    /// 1 for the first delivery.
    pub(crate) number: u8,
    /// What to deliver.
    pub(crate) event: Event,
}

/// What the passing of time asks for.
#[derive(Debug)]
pub(crate) enum Due {
    /// Deliver this now.
    Deliver(Attempt),
    /// The last delivery went unanswered too: nothing more will happen.
    GaveUp(Event),
}

struct Pending {
    event: Event,
    attempts: u8,
    due: Instant,
}

/// All events that are not settled yet.
pub(crate) struct Deliveries {
    events: HashMap<u64, Pending>,
    /// Ordered by time, then by arrival.
    due: BTreeSet<(Instant, u64)>,
    next_key: u64,
    intervals: [Duration; 4],
    ack_window: Duration,
}

impl Deliveries {
    /// `intervals` separate the deliveries; `ack_window` is waited after the last one.
    pub(crate) fn new(intervals: [Duration; 4], ack_window: Duration) -> Self {
        Self { events: HashMap::new(), due: BTreeSet::new(), next_key: 0, intervals, ack_window }
    }

    /// A new event, due at once.
    pub(crate) fn push(&mut self, event: Event, now: Instant) {
        let key = self.next_key;
        self.next_key += 1;
        self.due.insert((now, key));
        self.events.insert(key, Pending { event, attempts: 0, due: now });
    }

    /// When there will be something to do.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next thing to do at this moment, if any; counted as done.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let &(at, key) = self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, key));
        let pending = self.events.get_mut(&key)?;
        let attempts = usize::from(pending.attempts);
        if attempts > self.intervals.len() {
            return self.events.remove(&key).map(|p| Due::GaveUp(p.event));
        }
        pending.attempts += 1;
        pending.due = now + *self.intervals.get(attempts).unwrap_or(&self.ack_window);
        self.due.insert((pending.due, key));
        Some(Due::Deliver(Attempt { key, number: pending.attempts, event: pending.event.clone() }))
    }

    /// The event was accepted; false when it was settled or given up before.
    pub(crate) fn settle(&mut self, key: u64) -> bool {
        let Some(pending) = self.events.remove(&key) else {
            return false;
        };
        self.due.remove(&(pending.due, key));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn deliveries(events: usize, now: Instant) -> Deliveries {
        let mut deliveries = Deliveries::new([15 * S, 300 * S, 3_600 * S, 21_600 * S], 3 * S);
        for n in 0..events {
            let event = Event { id: n.to_string(), kind: String::new(), payload: Bytes::new(), target: None };
            deliveries.push(event, now);
        }
        deliveries
    }

    #[test]
    fn five_deliveries_then_none() {
        let start = Instant::now();
        let mut deliveries = deliveries(1, start);
        let mut seen = Vec::new();
        while let Some(at) = deliveries.next_due() {
            let after = (at - start).as_secs();
            match deliveries.take_due(at).unwrap() {
                Due::Deliver(attempt) => seen.push((attempt.number, after)),
                Due::GaveUp(_) => seen.push((0, after)),
            }
        }
        assert_eq!(seen, [(1, 0), (2, 15), (3, 315), (4, 3_915), (5, 25_515), (0, 25_518)]);
    }

    #[test]
    fn in_order_and_settled_once() {
        let now = Instant::now();
        let mut deliveries = deliveries(2, now);
        let mut keys = Vec::new();
        while let Some(Due::Deliver(attempt)) = deliveries.take_due(now) {
            keys.push((attempt.key, attempt.event.id));
        }
        assert_eq!(keys, [(0, "0".to_owned()), (1, "1".to_owned())]);
        assert!(deliveries.settle(0));
        assert!(!deliveries.settle(0));
        assert!(deliveries.settle(1));
        assert_eq!(deliveries.next_due(), None);
    }
}
