//! Watches an answer go out: whether it was written out whole, and, where a fault wants that, how far it may go.
//!
//! It knows nothing of requests and platforms. "Written out whole" means that the operating system has taken every byte; what a
//! client makes of them is the client's. The answers of a connection go out one after the other, so one [`Outgoing`] per
//! connection is enough.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Is told once how an answer went out: whole or not. An answer that is dropped on the way did not.
pub struct Receipt(Mutex<Option<Tell>>);

type Tell = Box<dyn FnOnce(bool) + Send>;

impl Receipt {
    /// A receipt that calls `tell`.
    #[must_use]
    pub fn new(tell: impl FnOnce(bool) + Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Box::new(tell)))))
    }

    fn tell(&self, whole: bool) {
        let tell = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tell) = tell {
            tell(whole);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.tell(false);
    }
}

/// What is known of the answer that goes out over one connection.
#[derive(Default)]
pub struct Outgoing {
    state: Mutex<State>,
    /// Cancelled when the connection has to end.
    pub cut: CancellationToken,
}

#[derive(Default)]
struct State {
    /// The receipt of an answer whose last byte is on its way.
    last: Option<Arc<Receipt>>,
    /// How many bytes may still go out; without it, all.
    left: Option<usize>,
}

impl Outgoing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no more than `bytes` out from now on; then the connection ends.
    pub fn limit(&self, bytes: usize) {
        self.state().left = Some(bytes);
    }

    /// Everything handed over so far has been written.
    fn flushed(&self) {
        let mut state = self.state();
        let Some(receipt) = state.last.take() else {
            return;
        };
        let limited = state.left.is_some();
        drop(state);
        receipt.tell(true);
        if limited {
            self.cut.cancel();
        }
    }

    /// Wraps the body of an answer that carries a [`Receipt`].
    #[must_use]
    pub fn watch(self: &Arc<Self>, response: http::Response<Body>) -> http::Response<Body> {
        let (mut parts, body) = response.into_parts();
        let body = match parts.extensions.remove::<Arc<Receipt>>() {
            Some(receipt) => Body::new(Watched { body, receipt: Some(receipt), outgoing: Arc::clone(self) }),
            None => body,
        };
        http::Response::from_parts(parts, body)
    }
}

/// The body of an answer. It is dropped when its last byte has been handed over, or when the answer is given up.
struct Watched {
    body: Body,
    receipt: Option<Arc<Receipt>>,
    outgoing: Arc<Outgoing>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.outgoing.state().last = self.receipt.take();
        }
    }
}

/// The bytes of one connection.
pub struct Wire<I> {
    io: I,
    outgoing: Arc<Outgoing>,
}

impl<I> Wire<I> {
    /// Watches what is written to `io`.
    pub const fn new(io: I, outgoing: Arc<Outgoing>) -> Self {
        Self { io, outgoing }
    }

    /// The connection as it was.
    pub fn into_inner(self) -> I {
        self.io
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Wire<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Wire<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.outgoing.state().left;
        let allowed = left.unwrap_or(bytes.len()).min(bytes.len());
        if allowed == 0 && !bytes.is_empty() {
            // What has been let out must arrive before the connection ends.
            ready!(Pin::new(&mut self.io).poll_flush(context))?;
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = ready!(Pin::new(&mut self.io).poll_write(context, &bytes[..allowed]))?;
        self.outgoing.state().left = left.map(|left| left - written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(context))?;
        self.outgoing.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
