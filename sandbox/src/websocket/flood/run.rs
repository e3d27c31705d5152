//! The running flood: keeps the window full and counts what comes back.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::histogram::Histogram;
use super::template::{ID_BYTES, MESSAGE_ID_BYTES};
use super::{FloodReport, FloodSpec, Kit, LAST_ACKED};
use crate::websocket::link::Link;
use crate::websocket::raw::Wire;
use crate::websocket::source::{Random, scaled};

/// Bits of the slot number inside a message id; the rest of its last 48 bits is the generation.
const SLOT_BITS: u32 = 20;
const GENERATIONS: u64 = 1 << (48 - SLOT_BITS);

/// Room for one unacknowledged frame. The generation tells a late acknowledgement from a timely one.
#[derive(Clone)]
struct Slot {
    generation: u64,
    open: bool,
    sent_at: Instant,
    event: EventId,
}

/// How an event is known to who takes it.
#[derive(Clone, Copy)]
enum EventId {
    Own([u8; ID_BYTES]),
    /// By its delivery.
    Message([u8; MESSAGE_ID_BYTES]),
}

impl EventId {
    fn text(&self) -> String {
        let bytes: &[u8] = match self {
            Self::Own(id) => id,
            Self::Message(id) => id,
        };
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// A flood over one connection.
pub(crate) struct Flood {
    spec: FloodSpec,
    kit: Kit,
    random: Random,
    slots: Vec<Slot>,
    free: Vec<usize>,
    generation: u64,
    /// The first 24 characters of all message ids of this flood.
    prefix: [u8; 24],
    /// Kind and event id of the frame before, if it has one.
    previous: Option<(usize, [u8; ID_BYTES])>,
    events: u64,
    report: FloodReport,
    latencies: Histogram,
    last_acked: VecDeque<EventId>,
    started: Instant,
    last_ack: Instant,
    sending_until: Instant,
    done: oneshot::Sender<FloodReport>,
}

impl Flood {
    /// A flood, and where its report will come from. `random` goes on from where the kit was made.
    pub(crate) fn new(spec: FloodSpec, kit: Kit, mut random: Random) -> (Self, oneshot::Receiver<FloodReport>) {
        let started = Instant::now();
        let window = spec.window.clamp(1, 1 << SLOT_BITS);
        let slot = Slot { generation: 0, open: false, sent_at: started, event: EventId::Own([0; ID_BYTES]) };
        let (done, report) = oneshot::channel();
        let flood = Self {
            prefix: prefix(&mut random),
            sending_until: started + scaled(spec.seconds),
            slots: vec![slot; window],
            free: (0..window).rev().collect(),
            generation: 0,
            previous: None,
            events: 0,
            report: FloodReport::default(),
            latencies: Histogram::new(),
            last_acked: VecDeque::with_capacity(LAST_ACKED + 1),
            last_ack: started,
            spec,
            kit,
            random,
            started,
            done,
        };
        (flood, report)
    }

    /// When to look at the flood again although nothing arrived.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        if now < self.sending_until { self.sending_until } else { self.sending_until + self.kit.patience }
    }

    /// Nothing is left to send and nothing, or nothing in time, left to wait for.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let waiting = self.free.len() < self.slots.len();
        now >= self.sending_until && (!waiting || now >= self.sending_until + self.kit.patience)
    }

    /// Sends as much as the window allows.
    pub(crate) fn fill(&mut self, now: Instant, link: &mut Link) {
        while now < self.sending_until {
            if self.spec.events.is_some_and(|max| self.report.sent >= max) {
                self.sending_until = now;
                return;
            }
            let Some(slot) = self.free.pop() else {
                return;
            };
            match self.next_frame(slot, now) {
                Some(message) => link.enqueue(Wire::Message(message)),
                None => self.sending_until = now,
            }
        }
    }

    fn next_frame(&mut self, slot: usize, now: Instant) -> Option<Message> {
        let (kind, event_id) = self.next_event()?;
        self.generation = (self.generation + 1) % GENERATIONS;
        let message_id = self.message_id(slot);
        let template = self.kit.templates[kind].as_mut()?;
        let event = if template.has_event_id() { EventId::Own(event_id) } else { EventId::Message(message_id) };
        self.slots[slot] = Slot { generation: self.generation, open: true, sent_at: now, event };
        self.report.sent += 1;
        (self.kit.message)(template.frame(&message_id))
    }

    /// Kind and id of the next event, which may be the one before.
    fn next_event(&mut self) -> Option<(usize, [u8; ID_BYTES])> {
        let repeat = u64::from(self.spec.duplicates_permille) > self.random.next() % 1_000;
        if let (true, Some(previous)) = (repeat, self.previous) {
            self.report.duplicates += 1;
            return Some(previous);
        }
        self.events += 1;
        let card = self.spec.card_every > 0 && self.events.is_multiple_of(self.spec.card_every);
        let event = (usize::from(card), self.random_id());
        let own_id = self.random_id();
        let template = self.kit.templates[event.0].as_mut()?;
        template.renew(&event.1, &own_id);
        self.previous = Some(event).filter(|_| template.has_event_id());
        Some(event)
    }

    fn random_id(&mut self) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        write_hex(self.random.next(), &mut id[..16]);
        write_hex(self.random.next(), &mut id[16..]);
        id
    }

    fn message_id(&self, slot: usize) -> [u8; MESSAGE_ID_BYTES] {
        let mut id = [0; MESSAGE_ID_BYTES];
        id[..24].copy_from_slice(&self.prefix);
        let number = (self.generation << SLOT_BITS) | slot as u64;
        write_hex(number, &mut id[24..]);
        id
    }

    /// Counts an acknowledgement; false when it is none of this flood's.
    pub(crate) fn take_ack(&mut self, frame: &[u8], now: Instant) -> bool {
        let Some(ack) = (self.kit.scan)(frame) else {
            return false;
        };
        let Some(number) = ack.message_id.strip_prefix(&self.prefix).and_then(read_hex) else {
            return false;
        };
        let at = usize::try_from(number & ((1 << SLOT_BITS) - 1)).unwrap_or(usize::MAX);
        let Some(slot) = self.slots.get_mut(at) else {
            return false;
        };
        // One that comes twice is of this flood, but counts once.
        if slot.open && slot.generation == number >> SLOT_BITS {
            slot.open = false;
            let slot = slot.clone();
            self.free.push(at);
            self.count(&slot, ack.accepted, now);
        }
        true
    }

    fn count(&mut self, slot: &Slot, accepted: bool, now: Instant) {
        self.last_ack = now;
        let latency = now.saturating_duration_since(slot.sent_at).as_micros();
        self.latencies.add(u64::try_from(latency).unwrap_or(u64::MAX));
        if !accepted {
            self.report.ack_errors += 1;
            return;
        }
        self.report.acked += 1;
        self.last_acked.push_back(slot.event);
        if self.last_acked.len() > LAST_ACKED {
            self.last_acked.pop_front();
        }
    }

    /// Hands in the report.
    pub(crate) fn finish(self) {
        let mut report = self.report;
        let seconds = (self.last_ack - self.started).as_secs_f64();
        if seconds > 0.0 {
            report.acks_per_second = as_float(report.acked) / seconds;
        }
        report.p50_ms = self.latencies.quantile_ms(500);
        report.p90_ms = self.latencies.quantile_ms(900);
        report.p99_ms = self.latencies.quantile_ms(990);
        report.max_ms = self.latencies.max_ms();
        report.last_acked_event_ids = self.last_acked.iter().map(EventId::text).collect();
        // Nobody may be waiting for it any more.
        let _ = self.done.send(report);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// The constant part of a UUID of version 4: everything before its last 48 bits.
fn prefix(random: &mut Random) -> [u8; 24] {
    let mut prefix = [0; 24];
    prefix.copy_from_slice(&random.uuid().as_bytes()[..24]);
    prefix
}

/// The lowest digits that fit, in lower case.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number & 15) as usize];
        number >>= 4;
    }
}

/// Exactly 12 digits.
fn read_hex(digits: &[u8]) -> Option<u64> {
    let digits: &[u8; 12] = digits.try_into().ok()?;
    digits.iter().try_fold(0, |number, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some((number << 4) | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_there_and_back() {
        let mut digits = [0; 12];
        write_hex(0x1234_5678_9abc, &mut digits);
        assert_eq!(&digits, b"123456789abc");
        assert_eq!(read_hex(&digits), Some(0x1234_5678_9abc));
        assert_eq!(read_hex(b"12345678"), None);
        assert_eq!(read_hex(b"12345678 abc"), None);
    }
}
