//! What the tests of this module share: a protocol of plain words over a pipe in memory, a moved clock, counters.
//!
//! A message `event <id>` is an event; its ack is `ack <id> 200` or `ack <id> 500`. Any other word is a [`Step`] of the
//! same name.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::event::{Event, EventKind, Outcome, Verdict};
use crate::domain::ids::{AppId, EventId};
use crate::domain::random::Random;
use crate::stream::contract::{AckSlot, Codec, Io, Opened, Protocol, Refused, Step};
use crate::stream::status::{Board, Observation, Observer};

/// The other end of a link.
pub(crate) type Peer = WebSocketStream<DuplexStream>;

/// The platform's heartbeat in these tests.
pub(crate) const PLATFORM_HEARTBEAT: Duration = Duration::from_mins(2);

pub(crate) fn app() -> AppId {
    AppId::parse("cli_1").unwrap()
}

/// A socket for us and the raw other end of it.
pub(crate) async fn raw_pair(room: usize) -> (Opened, DuplexStream) {
    let (near, far) = tokio::io::duplex(room);
    let config = WebSocketConfig::default().max_message_size(Some(1 << 20)).max_frame_size(Some(1 << 20));
    let near: Box<dyn Io> = Box::new(near);
    let socket = WebSocketStream::from_raw_socket(near, Role::Client, Some(config)).await;
    (Opened { socket, codec: Box::new(WordCodec::default()) }, far)
}

/// A socket for us and the other end of it.
pub(crate) async fn pair() -> (Opened, Peer) {
    let (opened, far) = raw_pair(1 << 20).await;
    (opened, WebSocketStream::from_raw_socket(far, Role::Server, None).await)
}

pub(crate) fn words(text: &str) -> Message {
    Message::Binary(Bytes::copy_from_slice(text.as_bytes()))
}

/// The text of a binary message.
pub(crate) fn text(message: &Message) -> Option<String> {
    let Message::Binary(bytes) = message else { return None };
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[derive(Default)]
struct WordCodec {
    held: usize,
}

impl Codec for WordCodec {
    fn heartbeat(&mut self) -> (Duration, Message) {
        (PLATFORM_HEARTBEAT, words("beat"))
    }

    fn reconnect_interval(&self) -> Duration {
        Duration::from_mins(2)
    }

    fn on_message(&mut self, message: Message, _: Duration) -> Step {
        let Some(message) = text(&message) else { return Step::Bad("text") };
        match message.split_once(' ').unwrap_or((&message, "")) {
            ("event", id) => Step::Deliver { event: Box::new(event(id)), slot: AckSlot(Box::new(id.to_owned())) },
            ("discard", id) => Step::Discard { slot: AckSlot(Box::new(id.to_owned())), why: "unwanted" },
            ("reply", _) => Step::Reply(words("replied")),
            ("part", _) => {
                self.held += 10;
                Step::Ignore
            }
            ("leaving", _) => Step::Leaving,
            ("reconnect", _) => Step::Reconnect,
            ("misconfigured", _) => Step::Misconfigured("wrong".to_owned()),
            ("panic", _) => panic!("a defect in a codec"),
            _ => Step::Bad("word"),
        }
    }

    fn ack(&mut self, slot: AckSlot, verdict: &Verdict, _: Duration) -> Message {
        let code = if verdict.outcome == Outcome::Accepted { 200 } else { 500 };
        words(&format!("ack {} {code}", slot.0.downcast::<String>().unwrap()))
    }

    fn on_tick(&mut self, _: Duration) {
        self.held = 0;
    }

    fn partial_bytes(&self) -> usize {
        self.held
    }
}

fn event(id: &str) -> Event {
    Event {
        app: app(),
        id: EventId::parse(id).unwrap(),
        tenant: None,
        created_at: None,
        event_type: "x".to_owned(),
        kind: EventKind::Other,
    }
}

/// Keeps everything that was observed.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Observation>>>);

impl Seen {
    pub(crate) fn observer(&self) -> Observer {
        let seen = self.clone();
        Arc::new(move |observation| seen.0.lock().unwrap().push(observation))
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Observation) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|seen| wanted(seen)).count()
    }

    pub(crate) fn board(&self) -> Arc<Board> {
        Arc::new(Board::new(app(), 1, self.observer(), Arc::new(StillClock)))
    }
}

/// A clock that stands still.
pub(crate) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_000)
    }
}

/// Draws always the same byte.
pub(crate) struct Same(pub(crate) u8);

impl Random for Same {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

/// What a dial meets.
pub(crate) enum Dial {
    /// A link to this peer.
    Up(Box<Opened>),
    /// A refusal.
    No(Refused),
    /// Nothing, for ever.
    Hang,
}

impl Dial {
    pub(crate) fn up(opened: Opened) -> Self {
        Self::Up(Box::new(opened))
    }
}

/// A protocol whose dials are scripted, and which keeps when each was made. After the script, `then` is asked.
pub(crate) struct Script {
    pub(crate) dials: Mutex<VecDeque<Dial>>,
    pub(crate) then: fn() -> Dial,
    pub(crate) made: Mutex<Vec<Instant>>,
}

impl Script {
    pub(crate) fn new(dials: impl IntoIterator<Item = Dial>, then: fn() -> Dial) -> Arc<Self> {
        let dials = Mutex::new(dials.into_iter().collect());
        Arc::new(Self { dials, then, made: Mutex::new(Vec::new()) })
    }

    pub(crate) fn made(&self) -> Vec<Instant> {
        self.made.lock().unwrap().clone()
    }
}

#[async_trait]
impl Protocol for Script {
    async fn open(&self) -> Result<Opened, Refused> {
        self.made.lock().unwrap().push(Instant::now());
        let dial = self.dials.lock().unwrap().pop_front();
        match dial.unwrap_or_else(self.then) {
            Dial::Up(opened) => Ok(*opened),
            Dial::No(refused) => Err(refused),
            Dial::Hang => std::future::pending().await,
        }
    }
}
