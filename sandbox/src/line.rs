//! One client's HTTP connection, with a handle by which a request's handler can end it: silently, or with bytes of its choice.
//!
//! Faults such as "the answer is lost" must happen to the TCP connection itself, which a handler cannot reach. So the
//! connection's task waits for two things at once, the HTTP exchange and its [`Line`] being cut.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::written::{Outgoing, Wire};

/// The handle: every request of a connection carries a clone of it.
#[derive(Clone, Default)]
pub struct Line {
    outgoing: Arc<Outgoing>,
    last_words: Arc<Mutex<Vec<u8>>>,
}

impl Line {
    /// Sends `last_words` verbatim in the answer's place, closes the connection and never returns: the caller's future ends with it.
    pub async fn cut(&self, last_words: Vec<u8>) -> axum::response::Response {
        *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = last_words;
        self.outgoing.cut.cancel();
        std::future::pending().await
    }

    /// Lets only the first `bytes` of the answer that follows go out, then closes the connection.
    pub fn cut_after(&self, bytes: usize) {
        self.outgoing.limit(bytes);
    }

    fn take_last_words(&self) -> Vec<u8> {
        std::mem::take(&mut *self.last_words.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves one connection until it ends, is cut, or `stop` is cancelled.
pub async fn serve<I>(io: I, router: Router, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let line = Line::default();
    let carried = line.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(carried.clone());
        let (answer, outgoing) = (router.clone().oneshot(request), Arc::clone(&carried.outgoing));
        async move { answer.await.map(|response| outgoing.watch(response)) }
    });
    let wire = Wire::new(io, Arc::clone(&line.outgoing));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(wire), service);
    tokio::select! {
        ended = &mut connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            return;
        }
        () = stop.cancelled() => return,
        () = line.outgoing.cut.cancelled() => {}
    }
    let mut io = connection.into_parts().io.into_inner().into_inner();
    let words = line.take_last_words();
    if !words.is_empty() && io.write_all(&words).await.is_ok() {
        let _ = io.shutdown().await;
    }
}
