//! The bytes below WebSocket: TCP or TLS, with a switch that makes it swallow what is written.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// One accepted socket.
pub(crate) struct Socket {
    inner: Inner,
    /// Pretend that writes succeed and write nothing. To be switched between whole frames only: then the
    /// connection can come back to life.
    pub(crate) muted: bool,
}

impl Socket {
    /// Takes a TCP connection, and TLS over it where configured.
    pub(crate) async fn accept(tcp: TcpStream, tls: Option<&Arc<rustls::ServerConfig>>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let inner = match tls {
            None => Inner::Plain(tcp),
            Some(config) => {
                let stream = TlsAcceptor::from(Arc::clone(config)).accept(tcp).await?;
                Inner::Tls(Box::new(stream))
            }
        };
        Ok(Self { inner, muted: false })
    }

    /// Makes the end of this socket a TCP reset.
    pub(crate) fn reset_on_drop(&self) -> io::Result<()> {
        match &self.inner {
            Inner::Plain(tcp) => tcp.set_zero_linger(),
            Inner::Tls(tls) => tls.get_ref().0.set_zero_linger(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Inner::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.muted {
            return Poll::Ready(Ok(bytes.len()));
        }
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Inner::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Inner::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Inner::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// Reads and forgets until the peer ends the connection, or until `hole` is no longer true.
///
/// `changed` tells when `hole` may have changed its mind.
pub(crate) async fn swallow(
    mut socket: impl AsyncRead + Unpin,
    mut changed: watch::Receiver<u64>,
    hole: impl Fn() -> bool,
) {
    let mut scratch = [0; 4_096];
    while hole() {
        tokio::select! {
            read = socket.read(&mut scratch) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return;
                }
            }
            // Fails when the stream is gone; the task is then cancelled anyway.
            _ = changed.changed() => {}
        }
    }
}
