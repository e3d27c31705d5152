//! The listener: HTTP/1.1 with a bound on everything a client may send or withhold.
//!
//! | bound | value |
//! |---|---|
//! | connections at once | [`MAX_CONNECTIONS`]; more wait in the kernel's queue |
//! | head of a request | 100 headers, 32 KiB, within [`Limits::head`] (this also ends idle connections) |
//! | body | 64 KiB within [`Limits::body`] (`body.rs`) |
//! | a client that does not read | [`Limits::unread`] without progress |

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::caller::Peer;

/// Connections served at once.
pub const MAX_CONNECTIONS: usize = 8_192;

const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the head of a request, from the moment one can be sent.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// Without reading anything of what it asked for.
    pub unread: Duration,
    /// How long new connections are still answered after the end was announced.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let patience = Duration::from_secs(10);
        Self { head: patience, body: patience, unread: Duration::from_secs(30), linger: Duration::from_secs(1) }
    }
}

/// Serves until [`Limits::linger`] after `stop`; connections then finish the request they are at. While it lingers it answers
/// one request a connection, so that whoever asks for readiness is told, and not refused.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    tracker: TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut end = std::pin::pin!(async {
        stop.cancelled().await;
        tokio::time::sleep(limits.linger).await;
    });
    loop {
        let permit = tokio::select! {
            () = end.as_mut() => return,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = end.as_mut() => return,
            accepted = listener.accept() => accepted,
        };
        let (Ok(permit), Ok((stream, peer))) = (permit, accepted) else {
            // Out of file descriptors, most likely: existing connections go on, new ones wait.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        tracker.spawn(async move {
            connection((stream, peer), router, limits, stop).await;
            drop(permit);
        });
    }
}

async fn connection((stream, peer): (TcpStream, SocketAddr), router: Router, limits: Limits, stop: CancellationToken) {
    if let Ok(at) = stream.local_addr() {
        tracing::debug!(%peer, %at, "a client connected");
    }
    drop(stream.set_nodelay(true));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(limits);
        router.clone().oneshot(request)
    });
    let io = TokioIo::new(Patient { stream, patience: limits.unread, stalled: None });
    let stopping = stop.is_cancelled();
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .keep_alive(!stopping)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled(), if !stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A stream that gives up on a peer that does not read.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
