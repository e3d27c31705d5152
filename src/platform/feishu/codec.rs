//! The frames of one long connection: what comes in becomes a [`Step`], what goes out is an echo with an answer in it.
//!
//! Events and card taps come in data frames of type `event`; apps whose callback settings are old get taps in frames of
//! type `card`. Both are read the same way. A long message comes in parts, and its ack is built on the part that arrived
//! last. An ack is the frame itself plus the header `biz_rt` (milliseconds) and, as payload, `{"code":200}` or
//! `{"code":500}`, with `data` = base64 of JSON when there is something to show. The platform's own heartbeat is answered
//! with settings, which take effect at once.

mod answer;
mod labels;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::domain::card::{Card, Toast};
use crate::domain::event::{Event, Verdict};
use crate::domain::ids::AppId;
use crate::platform::feishu::events::{EventReader, Unreadable, is_callback};
use crate::platform::feishu::frame::{CONTROL, DATA, Frame, Header};
use crate::platform::feishu::parts::{Joined, Parts, Place};
use crate::platform::feishu::timing::{ClientConfig, Timing};
use crate::stream::contract::{AckSlot, Codec, Step};

use labels::{Labels, pong};

/// Frames up to this size keep sharing the memory that they were received in until they are acknowledged.
const SHARED_FRAME_BYTES: usize = 16 << 10;

/// How a card and a toast are written; given by who composes the platform.
#[derive(Clone)]
pub struct Renderer {
    /// Writes a toast.
    pub toast: fn(Toast) -> Value,
    /// Writes a card: either the card's own JSON, or `{"type":"template","data":…}`.
    pub card: Arc<dyn Fn(&Card) -> Value + Send + Sync>,
}

/// The codec of one connection.
pub struct FeishuCodec {
    service: i32,
    timing: Timing,
    parts: Parts,
    reader: EventReader,
    renderer: Renderer,
}

/// What an ack is built from: the frame without its payload.
struct Slot {
    frame: Frame,
    callback: bool,
}

impl FeishuCodec {
    /// A codec without history, for a connection to this app whose address names this service.
    #[must_use]
    pub fn new(app: AppId, service: i32, timing: Timing, renderer: Renderer) -> Self {
        Self { service, timing, parts: Parts::default(), reader: EventReader::new(app), renderer }
    }

    fn on_binary(&mut self, bytes: Bytes, elapsed: Duration) -> Step {
        let large = bytes.len() > SHARED_FRAME_BYTES;
        match Frame::decode(bytes) {
            Ok(frame) if frame.method == CONTROL => self.on_control(&frame),
            Ok(frame) if frame.method == DATA => self.on_data(frame, large, elapsed),
            Ok(_) => Step::Ignore,
            Err(_) => Step::Bad("frame"),
        }
    }

    /// A pong may bring settings; all else is left unanswered, as the official clients do.
    fn on_control(&mut self, frame: &Frame) -> Step {
        match pong(frame).map(serde_json::from_slice::<ClientConfig>) {
            None => Step::Ignore,
            Some(Err(_)) => Step::Bad("pong"),
            Some(Ok(config)) => {
                self.timing.apply(&config);
                Step::Ignore
            }
        }
    }

    fn on_data(&mut self, mut frame: Frame, large: bool, elapsed: Duration) -> Step {
        let labels = match Labels::read(&frame) {
            Ok(labels) => labels,
            Err(why) => return Step::Bad(why),
        };
        let (known, card, place) = (labels.is_known(), labels.is_card(), labels.place());
        let payload = frame.payload.clone().unwrap_or_default();
        let whole = match place {
            None => payload,
            Some(place) => match self.join(place, &payload, elapsed) {
                Ok(whole) => whole,
                Err(step) => return step,
            },
        };
        frame.payload = None;
        if large {
            frame.detach();
        }
        let slot = Slot { frame, callback: card };
        if known { self.deliver(&whole, slot) } else { discard(slot, "frame_type") }
    }

    fn join(&mut self, place: Place<'_>, payload: &[u8], elapsed: Duration) -> Result<Bytes, Step> {
        match self.parts.add(place, payload, elapsed) {
            Joined::Whole(whole) => Ok(Bytes::from(whole)),
            Joined::Waiting => Err(Step::Ignore),
            Joined::Crowded => Err(Step::Bad("parts_crowded")),
            Joined::Contradiction(why) => Err(Step::Bad(why)),
        }
    }

    fn deliver(&mut self, payload: &[u8], mut slot: Slot) -> Step {
        match self.reader.read(payload) {
            Ok(event) => {
                slot.callback |= is_callback(&event.event_type);
                delivery(event, slot)
            }
            Err(Unreadable::Unwanted(why)) => discard(slot, why),
            Err(Unreadable::Bad(why)) => Step::Bad(why),
        }
    }
}

fn delivery(event: Event, slot: Slot) -> Step {
    Step::Deliver { event: Box::new(event), slot: AckSlot(Box::new(slot)) }
}

fn discard(slot: Slot, why: &'static str) -> Step {
    Step::Discard { slot: AckSlot(Box::new(slot)), why }
}

impl Codec for FeishuCodec {
    fn heartbeat(&mut self) -> (Duration, Message) {
        (self.timing.heartbeat, Message::Binary(Frame::ping(self.service).encode_to_vec().into()))
    }

    fn reconnect_interval(&self) -> Duration {
        self.timing.reconnect
    }

    fn on_message(&mut self, message: Message, elapsed: Duration) -> Step {
        match message {
            Message::Binary(bytes) => self.on_binary(bytes, elapsed),
            Message::Text(_) => Step::Bad("text"),
            _ => Step::Ignore,
        }
    }

    fn ack(&mut self, slot: AckSlot, verdict: &Verdict, took: Duration) -> Message {
        // A slot of another codec cannot come here; if it did, a ping does no harm.
        let Ok(slot) = slot.0.downcast::<Slot>() else { return Message::Ping(Bytes::new()) };
        let Slot { mut frame, callback } = *slot;
        frame.headers.push(Header::new("biz_rt", took.as_millis().to_string()));
        frame.payload = Some(answer::payload(verdict, callback, &self.renderer));
        Message::Binary(frame.encode_to_vec().into())
    }

    fn on_tick(&mut self, elapsed: Duration) {
        self.parts.expire(elapsed);
    }

    fn partial_bytes(&self) -> usize {
        self.parts.bytes()
    }
}

#[cfg(test)]
mod tests;
