//! What a platform brings to the stream: how to open a link ([`Protocol`]) and how to read it ([`Codec`]).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::domain::event::{Event, Verdict};

/// What a WebSocket can run over: TCP, TLS over TCP, or a pipe in memory.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open WebSocket.
pub type Socket = WebSocketStream<Box<dyn Io>>;

/// What becomes of an event: `app.rs` fills it with the dispatcher. The future resolves once the event is durable.
pub type Handler = Arc<dyn Fn(Event) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// Opens links to one app's event stream.
#[async_trait]
pub trait Protocol: Send + Sync {
    /// Asks the platform for an address, dials it and returns the open socket with a codec that has no history.
    /// Bounded in time by itself.
    async fn open(&self) -> Result<Opened, Refused>;
}

/// An open link.
pub struct Opened {
    /// The socket.
    pub socket: Socket,
    /// Its reader, fresh for this connection.
    pub codec: Box<dyn Codec>,
}

/// Why a link could not be opened. The reason is for people and holds no secret and no URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It may work later.
    #[error("{reason}")]
    Retry {
        /// Not before this much time, when the platform says so.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// Somebody has to change a setting first: retried slowly, with an alarm.
    #[error("{reason}")]
    Misconfigured {
        /// What is wrong and who can change it.
        reason: String,
    },
}

/// Reads and writes the frames of one connection. Synchronous, no I/O; holds reassembly and sequence state.
pub trait Codec: Send {
    /// The platform's own heartbeat: how often, and the frame to send. Asked again after each heartbeat.
    fn heartbeat(&mut self) -> (Duration, Message);

    /// The longest wait between two dials that the platform asks for, clamped to sane bounds.
    fn reconnect_interval(&self) -> Duration;

    /// Takes one binary or text message. `elapsed` is the time since the connection opened, for expiring parts.
    fn on_message(&mut self, message: Message, elapsed: Duration) -> Step;

    /// The answer to a delivered event. `took` is the time that the handler needed.
    fn ack(&mut self, slot: AckSlot, verdict: &Verdict, took: Duration) -> Message;

    /// Time goes by: drops parts whose time is up. Called about once per heartbeat, so that what a silent peer left
    /// behind does not stay.
    fn on_tick(&mut self, elapsed: Duration);

    /// Bytes held for messages that are not complete (a gauge).
    fn partial_bytes(&self) -> usize;
}

/// What a message means for the connection.
#[derive(Debug)]
pub enum Step {
    /// Nothing to do.
    Ignore,
    /// It cannot be read; counted, and too many of them recycle the connection. The word is a metric label.
    Bad(&'static str),
    /// Send this.
    Reply(Message),
    /// Handle this, then [`Codec::ack`] with the slot.
    Deliver {
        /// The event.
        event: Box<Event>,
        /// What the ack is built from.
        slot: AckSlot,
    },
    /// Answer at once with this slot as accepted: it can be understood well enough to say that we do not want it again.
    Discard {
        /// What the ack is built from.
        slot: AckSlot,
        /// Why, as a metric label.
        why: &'static str,
    },
    /// The platform will end this link soon: open another first, and read this one to its end.
    Leaving,
    /// Close this link and open another.
    Reconnect,
    /// Close, and treat it as [`Refused::Misconfigured`].
    Misconfigured(String),
}

/// What a codec keeps to build an ack; opaque to the stream.
#[derive(Debug)]
pub struct AckSlot(pub Box<dyn std::any::Any + Send>);
