//! Joins messages that arrive in several frames. Everything about it is bounded: parts per message, messages, bytes, time.
//!
//! When the bounds are reached, the oldest incomplete message goes: the platform pushes it again. Parts are copied out of
//! the frames that they came in, so that what is counted is what is held.

use std::time::Duration;

use bytes::Bytes;

/// The most parts that one message may have.
pub const MAX_PARTS: u32 = 64;
/// The most messages that may be incomplete at a time.
pub const MAX_MESSAGES: usize = 256;
/// The most bytes held for incomplete messages.
pub const MAX_BYTES: usize = 4 << 20;
/// How long a message may stay incomplete, counted from its first part.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(10);

/// Where a part belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The message, by the platform's id.
    pub message: &'a [u8],
    /// How many parts the message has; 2 to [`MAX_PARTS`].
    pub sum: u32,
    /// Which of them this is, from 0; below `sum`.
    pub seq: u32,
}

/// What a part led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined {
    /// More parts are needed.
    Waiting,
    /// More parts are needed, and an older message had to go to make room.
    Crowded,
    /// All parts are there.
    Whole(Vec<u8>),
    /// It contradicts an earlier part; the earlier one stands. The word is a metric label.
    Contradiction(&'static str),
}

/// The incomplete messages of one connection, oldest first.
#[derive(Debug, Default)]
pub struct Parts {
    messages: Vec<Incomplete>,
    bytes: usize,
}

#[derive(Debug)]
struct Incomplete {
    id: Bytes,
    since: Duration,
    parts: Vec<Option<Bytes>>,
    bytes: usize,
}

impl Parts {
    /// Adds a part that arrived `elapsed` after the connection opened.
    pub fn add(&mut self, place: Place<'_>, payload: &[u8], elapsed: Duration) -> Joined {
        self.expire(elapsed);
        let index = self.find_or_start(place, elapsed);
        match self.put(index, place, payload) {
            Ok(true) => Joined::Whole(self.remove(index).join()),
            Ok(false) if self.make_room() => Joined::Crowded,
            Ok(false) => Joined::Waiting,
            Err(why) => Joined::Contradiction(why),
        }
    }

    /// Drops messages that have been incomplete for too long.
    pub fn expire(&mut self, elapsed: Duration) {
        while self.messages.first().is_some_and(|oldest| elapsed.saturating_sub(oldest.since) >= TIME_TO_LIVE) {
            self.remove(0);
        }
    }

    /// Bytes held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn find_or_start(&mut self, place: Place<'_>, elapsed: Duration) -> usize {
        let known = self.messages.iter().position(|message| message.id == place.message);
        known.unwrap_or_else(|| {
            self.messages.push(Incomplete::new(place, elapsed));
            self.messages.len() - 1
        })
    }

    /// Whether the message is whole now.
    fn put(&mut self, index: usize, place: Place<'_>, payload: &[u8]) -> Result<bool, &'static str> {
        let message = &mut self.messages[index];
        if message.parts.len() != place.sum as usize {
            return Err("sum_differs");
        }
        match &mut message.parts[place.seq as usize] {
            Some(earlier) if *earlier == payload => {}
            Some(_) => return Err("part_differs"),
            missing => {
                *missing = Some(Bytes::copy_from_slice(payload));
                message.bytes += payload.len();
                self.bytes += payload.len();
            }
        }
        Ok(message.parts.iter().all(Option::is_some))
    }

    /// Whether something had to go.
    fn make_room(&mut self) -> bool {
        let mut gone = false;
        while self.bytes > MAX_BYTES || self.messages.len() > MAX_MESSAGES {
            self.remove(0);
            gone = true;
        }
        gone
    }

    fn remove(&mut self, index: usize) -> Incomplete {
        let message = self.messages.remove(index);
        self.bytes -= message.bytes;
        message
    }
}

impl Incomplete {
    fn new(place: Place<'_>, since: Duration) -> Self {
        let id = Bytes::copy_from_slice(place.message);
        Self { id, since, parts: vec![None; place.sum as usize], bytes: 0 }
    }

    fn join(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.bytes);
        self.parts.into_iter().flatten().for_each(|part| whole.extend_from_slice(&part));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn place(message: &[u8], sum: u32, seq: u32) -> Place<'_> {
        Place { message, sum, seq }
    }

    #[test]
    fn joins_in_any_order_and_forgets() {
        let mut parts = Parts::default();
        assert_eq!(parts.add(place(b"m", 3, 2), b"c", START), Joined::Waiting);
        assert_eq!(parts.add(place(b"m", 3, 0), b"a", START), Joined::Waiting);
        assert_eq!(parts.bytes(), 2);
        assert_eq!(parts.add(place(b"m", 3, 1), b"b", START), Joined::Whole(b"abc".to_vec()));
        assert_eq!(parts.bytes(), 0);
    }

    #[test]
    fn w17_w18_contradictions_leave_the_first_part_in_force() {
        let mut parts = Parts::default();
        parts.add(place(b"m", 2, 0), b"a", START);
        assert_eq!(parts.add(place(b"m", 3, 1), b"b", START), Joined::Contradiction("sum_differs"), "W17");
        assert_eq!(parts.add(place(b"m", 2, 0), b"x", START), Joined::Contradiction("part_differs"), "W18");
        assert_eq!(parts.add(place(b"m", 2, 0), b"a", START), Joined::Waiting, "W18, same bytes");
        assert_eq!(parts.add(place(b"m", 2, 1), b"b", START), Joined::Whole(b"ab".to_vec()));
    }

    #[test]
    fn w19_parts_that_never_complete_are_bounded_and_expire() {
        let mut parts = Parts::default();
        let payload = vec![b'x'; 60_000];
        for number in 0..100_000_u32 {
            let length = if number < 1_000 { payload.len() } else { number as usize % 100 };
            parts.add(place(&number.to_be_bytes(), MAX_PARTS, 0), &payload[..length], START);
            assert!(parts.bytes() <= MAX_BYTES && parts.messages.len() <= MAX_MESSAGES, "W19");
        }
        parts.expire(TIME_TO_LIVE);
        assert_eq!((parts.bytes(), parts.messages.len()), (0, 0), "W19");
    }

    #[test]
    fn w19_one_huge_message_goes_as_well() {
        let mut parts = Parts::default();
        let payload = vec![b'x'; MAX_BYTES / 4 + 1];
        let answers: Vec<_> = (0..4).map(|seq| parts.add(place(b"m", 8, seq), &payload, START)).collect();
        assert_eq!(answers.last(), Some(&Joined::Crowded));
        assert_eq!(parts.bytes(), 0);
    }

    #[test]
    fn w20_an_empty_part_is_a_part() {
        let mut parts = Parts::default();
        parts.add(place(b"m", 2, 0), b"", START);
        assert_eq!(parts.add(place(b"m", 2, 1), b"{}", START), Joined::Whole(b"{}".to_vec()), "W20");
    }

    #[test]
    fn a_gap_of_nine_seconds_is_survived_and_of_ten_is_not() {
        let mut parts = Parts::default();
        parts.add(place(b"m", 2, 0), b"a", START);
        assert_eq!(parts.add(place(b"m", 2, 1), b"b", Duration::from_secs(9)), Joined::Whole(b"ab".to_vec()));
        parts.add(place(b"m", 2, 0), b"a", START);
        assert_eq!(parts.add(place(b"m", 2, 1), b"b", Duration::from_secs(10)), Joined::Waiting);
    }
}
