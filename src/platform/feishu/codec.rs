//! The frames of one long connection: what comes in becomes a [`Step`], what goes out is an echo with an answer in it.
//!
//! Events and card taps come in data frames of type `event`; apps whose callback settings are old get taps in frames of
//! type `card`. Both are read the same way. A long message comes in parts, and its ack is built on the part that arrived
//! last. An ack is the frame itself plus the header `biz_rt` (milliseconds) and, as payload, `{"code":200}` or
//! `{"code":500}`, with `data` = base64 of JSON when there is something to show. The platform's own heartbeat is answered
//! with settings, which take effect at once.

mod answer;
mod labels;

use std::borrow::Cow;
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
use crate::platform::feishu::frame::canonical::{BegunAck, Canonical, canonical_form};
use crate::platform::feishu::frame::{CONTROL, DATA, Frame};
use crate::platform::feishu::parts::{Joined, Parts, Place};
use crate::platform::feishu::timing::{ClientConfig, Timing};
use crate::stream::contract::{AckSlot, Codec, Step};

use labels::{Labels, pong};

pub(in crate::platform::feishu) use answer::shown;

/// What is added to a frame to make the usual ack of it: the header `biz_rt` and a payload without a card.
const ACK_ROOM: usize = 64;

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

/// What an ack is built from: the frame without its payload, copied, so that the memory of the message is free for the
/// next one.
struct Slot {
    ack: BegunAck,
    callback: bool,
}

impl FeishuCodec {
    /// A codec without history, for a connection to this app whose address names this service.
    #[must_use]
    pub fn new(app: AppId, service: i32, timing: Timing, renderer: Renderer) -> Self {
        Self { service, timing, parts: Parts::default(), reader: EventReader::new(app), renderer }
    }

    fn on_binary(&mut self, bytes: Bytes, elapsed: Duration) -> Step {
        if let Some(frame) = Canonical::read(&bytes) {
            return self.on_frame(&frame, elapsed);
        }
        let canonical = canonical_form(bytes).unwrap_or_default();
        Canonical::read(&canonical).map_or(Step::Bad("frame"), |frame| self.on_frame(&frame, elapsed))
    }

    fn on_frame(&mut self, frame: &Canonical<'_>, elapsed: Duration) -> Step {
        match frame.method {
            CONTROL => self.on_control(frame),
            DATA => self.on_data(frame, elapsed),
            _ => Step::Ignore,
        }
    }

    /// A pong may bring settings; all else is left unanswered, as the official clients do.
    fn on_control(&mut self, frame: &Canonical<'_>) -> Step {
        match pong(frame).map(serde_json::from_slice::<ClientConfig>) {
            None => Step::Ignore,
            Some(Err(_)) => Step::Bad("pong"),
            Some(Ok(config)) => {
                self.timing.apply(&config);
                Step::Ignore
            }
        }
    }

    fn on_data(&mut self, frame: &Canonical<'_>, elapsed: Duration) -> Step {
        let labels = match Labels::read(frame) {
            Ok(labels) => labels,
            Err(why) => return Step::Bad(why),
        };
        let whole = match labels.place() {
            None => Cow::Borrowed(frame.payload),
            Some(place) => match self.join(place, frame.payload, elapsed) {
                Ok(whole) => Cow::Owned(whole),
                Err(step) => return step,
            },
        };
        let slot = Slot { ack: frame.begin_ack(ACK_ROOM), callback: labels.is_card() };
        if labels.is_known() { self.deliver(&whole, slot) } else { discard(slot, "frame_type") }
    }

    fn join(&mut self, place: Place<'_>, payload: &[u8], elapsed: Duration) -> Result<Vec<u8>, Step> {
        match self.parts.add(place, payload, elapsed) {
            Joined::Whole(whole) => Ok(whole),
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
        let payload = answer::payload(verdict, slot.callback, &self.renderer);
        Message::Binary(slot.ack.finish(b"biz_rt", took.as_millis().to_string().as_bytes(), &payload).into())
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
