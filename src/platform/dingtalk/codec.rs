//! The frames of one stream connection: what comes in becomes a [`Step`], what goes out is an ack.
//!
//! Nothing is ever split, so a codec holds no state but whose stream it is. The platform pings; we need not. After its
//! `disconnect` it sends nothing more and closes some ten seconds later ([`Step::Leaving`]). An `EVENT` comes again until it
//! is acknowledged; a `CALLBACK` comes once, and a tap waits for what to show.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::cards::Variables;
use super::events::{self, Unwanted};
use super::frame::{Ack, Frame};
use crate::domain::card::{Card, Toast};
use crate::domain::event::{Event, Verdict};
use crate::domain::ids::{AppId, MAX_ID_BYTES};
use crate::stream::contract::{AckSlot, Codec, Step};

/// How often something is sent at least, besides what the stream itself does.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// The longest wait between two dials: the platform names none.
const RECONNECT: Duration = Duration::from_mins(1);

/// The longest data of a ping that is sent back, in bytes.
const MAX_PING_BYTES: usize = 4096;

/// How a card and a toast are written.
#[derive(Clone)]
pub struct Renderer {
    /// Writes a toast, for the eyes of who tapped only.
    pub toast: fn(Toast) -> Variables,
    /// Writes a card.
    pub card: Arc<dyn Fn(&Card) -> Variables + Send + Sync>,
}

/// The codec of one connection.
pub struct DingTalkCodec {
    app: AppId,
    renderer: Renderer,
}

/// What an ack is built from.
struct Slot {
    message_id: String,
    form: Form,
}

/// What the platform takes for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// To an event: a status.
    Status,
    /// To a tap: what to show.
    Response,
    /// To any other callback: nothing is read.
    Nothing,
}

impl DingTalkCodec {
    /// A codec for a connection to this app.
    #[must_use]
    pub const fn new(app: AppId, renderer: Renderer) -> Self {
        Self { app, renderer }
    }

    fn on_text(&self, text: &str) -> Step {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else { return Step::Bad("frame") };
        let Some(id) = frame.headers.message_id.as_ref().map(|id| &*id.0) else { return Step::Bad("message_id") };
        if !(1..=MAX_ID_BYTES).contains(&id.len()) {
            return Step::Bad("message_id");
        }
        match &*frame.kind.0 {
            "SYSTEM" => on_system(&frame, id),
            "EVENT" => taken(id, Form::Status, events::event(&self.app, &frame)),
            "CALLBACK" => on_callback(id, events::callback(&self.app, &frame)),
            _ => Step::Bad("frame_type"),
        }
    }
}

fn on_system(frame: &Frame<'_>, id: &str) -> Step {
    match frame.headers.topic.as_ref().map(|topic| &*topic.0) {
        Some("ping") if frame.data.0.len() > MAX_PING_BYTES => Step::Bad("ping"),
        Some("ping") => Step::Reply(Message::text(Ack::new(id, 200, &frame.data.0).to_text())),
        Some("disconnect") => Step::Leaving,
        // CONNECTED, REGISTERED, KEEPALIVE, and what is still to come: its clients do not agree on any answer.
        _ => Step::Ignore,
    }
}

fn on_callback(id: &str, event: Result<Event, Unwanted>) -> Step {
    let is_tap = event.as_ref().is_ok_and(|event| events::is_tap(&event.event_type));
    taken(id, if is_tap { Form::Response } else { Form::Nothing }, event)
}

fn taken(id: &str, form: Form, event: Result<Event, Unwanted>) -> Step {
    let slot = AckSlot(Box::new(Slot { message_id: id.to_owned(), form }));
    match event {
        Ok(event) => Step::Deliver { event: Box::new(event), slot },
        Err(Unwanted(why)) => Step::Discard { slot, why },
    }
}

impl Codec for DingTalkCodec {
    fn heartbeat(&mut self) -> (Duration, Message) {
        (HEARTBEAT, Message::Ping(Bytes::new()))
    }

    fn reconnect_interval(&self) -> Duration {
        RECONNECT
    }

    fn on_message(&mut self, message: Message, _: Duration) -> Step {
        match message {
            Message::Text(text) => self.on_text(&text),
            Message::Binary(_) => Step::Bad("binary"),
            _ => Step::Ignore,
        }
    }

    fn ack(&mut self, slot: AckSlot, verdict: &Verdict, _: Duration) -> Message {
        // A slot of another codec cannot come here; if it did, a ping does no harm.
        let Ok(slot) = slot.0.downcast::<Slot>() else { return Message::Ping(Bytes::new()) };
        let (code, data) = answer::answer(verdict, slot.form, &self.renderer);
        Message::text(Ack::new(&slot.message_id, code, &data).to_text())
    }

    fn on_tick(&mut self, _: Duration) {}

    fn partial_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests;
