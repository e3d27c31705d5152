//! The HTTP listener: accepts, does TLS if wanted, and hands each connection to [`crate::line`].

use std::sync::Arc;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Accepts connections until `stop` is cancelled.
pub async fn run(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((socket, _)) => {
                tasks.spawn(connection(socket, acceptor.clone(), router.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn connection(socket: TcpStream, acceptor: Option<TlsAcceptor>, router: Router, stop: CancellationToken) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let Some(acceptor) = acceptor else {
        return crate::line::serve(socket, router, stop).await;
    };
    let handshake = tokio::select! {
        handshake = acceptor.accept(socket) => handshake,
        () = stop.cancelled() => return,
    };
    match handshake {
        Ok(stream) => crate::line::serve(stream, router, stop).await,
        Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
    }
}
