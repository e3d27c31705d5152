//! One open WebSocket with an outbox: full duplex, batch by batch, and with the faults that act on bytes.
//!
//! Knows nothing of frames. Reading and writing are polled together, so that a client that writes
//! acknowledgements before it reads on can never block against a server that does the same with events.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWrite;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use super::{raw::Wire, socket::Socket};

/// The largest number of messages taken in one go.
const BATCH: usize = 1_024;

/// What a turn brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Messages are in the inbox.
    Incoming,
    /// The connection is over, for this reason.
    Ended(String),
}

/// The connection's two directions.
pub(crate) struct Link {
    ws: WebSocketStream<Socket>,
    outbox: VecDeque<Wire>,
    inbox: Vec<Message>,
    unflushed: bool,
    /// How much of the raw bytes at the front of the outbox is written. While some are, nothing is read:
    /// reading lets the WebSocket layer write a pong, which would land in the middle.
    raw_written: usize,
    /// A close frame was queued; nothing may follow it.
    closing: bool,
    /// Set from outside, at any time: swallow everything.
    hole: Arc<AtomicBool>,
}

impl Link {
    /// A link over an upgraded socket.
    pub(crate) fn new(ws: WebSocketStream<Socket>, hole: Arc<AtomicBool>) -> Self {
        Self { ws, outbox: VecDeque::new(), inbox: Vec::new(), unflushed: false, raw_written: 0, closing: false, hole }
    }

    /// Queues something for writing; lost when the link is a black hole or closing.
    pub(crate) fn enqueue(&mut self, wire: Wire) {
        if self.is_hole() || self.closing {
            return;
        }
        // A link that came back to life has to speak at once. Whatever was written while it was mute was written to its end, so
        // this is between two frames.
        self.ws.get_mut().muted = false;
        self.closing = matches!(wire, Wire::Message(Message::Close(_)));
        self.outbox.push_back(wire);
    }

    /// Everything that is swallowed stays unanswered.
    pub(crate) fn is_hole(&self) -> bool {
        self.hole.load(Ordering::Acquire)
    }

    /// A close frame is on its way: the client has to answer it.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The socket, when WebSocket is over.
    pub(crate) fn into_socket(self) -> Socket {
        self.ws.into_inner()
    }

    /// Exchanges the inbox for an empty one, whose capacity is kept.
    pub(crate) fn swap_inbox(&mut self, empty: &mut Vec<Message>) {
        std::mem::swap(&mut self.inbox, empty);
    }

    /// Writes what there is to write, until something arrives. Loses nothing when dropped.
    pub(crate) async fn turn(&mut self) -> Turn {
        poll_fn(|cx| self.poll_turn(cx)).await
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let written = self.poll_outbox(cx);
        if self.raw_written > 0 && written.is_pending() {
            return Poll::Pending;
        }
        if let Poll::Ready(Ok(())) = written {
            let hole = self.is_hole();
            self.ws.get_mut().muted = hole;
        }
        if matches!(written, Poll::Ready(Err(LinkError::HungUp))) {
            return Poll::Ready(Turn::Ended(LinkError::HungUp.to_string()));
        }
        let end = self.fill_inbox(cx);
        if !self.inbox.is_empty() {
            return Poll::Ready(Turn::Incoming);
        }
        match (end, written) {
            (Some(end), _) => Poll::Ready(Turn::Ended(end)),
            (None, Poll::Ready(Err(e))) => Poll::Ready(Turn::Ended(e.to_string())),
            (None, _) => Poll::Pending,
        }
    }

    /// Takes all messages that are there; says why there will be no more, if that is so.
    fn fill_inbox(&mut self, cx: &mut Context<'_>) -> Option<String> {
        while self.inbox.len() < BATCH {
            match self.ws.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(message))) => self.inbox.push(message),
                Poll::Ready(Some(Err(e))) => return Some(e.to_string()),
                Poll::Ready(None) => return Some("closed".to_owned()),
                Poll::Pending => return None,
            }
        }
        None
    }

    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while let Some(wire) = self.outbox.front() {
            match wire {
                Wire::Message(_) => ready!(self.poll_feed(cx))?,
                Wire::Tcp(bytes) => {
                    let bytes = bytes.clone();
                    ready!(self.poll_raw(cx, &bytes))?;
                }
                Wire::Hangup { reset } => {
                    let reset = *reset;
                    ready!(self.poll_flush(cx))?;
                    return Poll::Ready(Err(self.hang_up(reset)));
                }
            }
        }
        self.poll_flush(cx)
    }

    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        ready!(self.ws.poll_ready_unpin(cx))?;
        if let Some(Wire::Message(message)) = self.outbox.pop_front() {
            self.unflushed = true;
            self.ws.start_send_unpin(message)?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.unflushed {
            ready!(self.ws.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_raw(&mut self, cx: &mut Context<'_>, bytes: &Bytes) -> Poll<Result<(), LinkError>> {
        ready!(self.poll_flush(cx))?;
        while self.raw_written < bytes.len() {
            let rest = &bytes[self.raw_written..];
            let written = ready!(Pin::new(self.ws.get_mut()).poll_write(cx, rest));
            self.raw_written += written.map_err(Error::Io)?;
        }
        ready!(Pin::new(self.ws.get_mut()).poll_flush(cx)).map_err(Error::Io)?;
        self.raw_written = 0;
        self.outbox.pop_front();
        Poll::Ready(Ok(()))
    }

    fn hang_up(&mut self, reset: bool) -> LinkError {
        self.outbox.clear();
        if reset && let Err(e) = self.ws.get_ref().reset_on_drop() {
            return LinkError::WebSocket(Error::Io(e));
        }
        LinkError::HungUp
    }
}

#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("hung up on purpose")]
    HungUp,
    #[error(transparent)]
    WebSocket(#[from] Error),
}
