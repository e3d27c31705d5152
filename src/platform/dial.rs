//! Dials a long connection: TCP, TLS, the WebSocket handshake. Each step has its own time limit. No compression is offered,
//! and messages over [`MAX_MESSAGE_BYTES`] end the connection. Knows no platform: what a refused handshake means is handed in.

mod target;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::stream::contract::{Io, Refused, Socket};

pub use target::{Target, Unfit};

/// The time for a TCP connection, and again for TLS and the WebSocket handshake together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message taken. The platform splits long events well below it.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// How much is read from the socket at a time.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// How much the WebSocket layer takes out of that at a time.
const MESSAGE_BUFFER_BYTES: usize = 8 << 10;

/// Opens a WebSocket. `refused` says what a handshake that was answered with another status means.
pub async fn dial(
    target: &Target,
    tls: &Arc<rustls::ClientConfig>,
    refused: impl Fn(&Response<()>) -> Refused,
) -> Result<Socket, Refused> {
    let tcp = in_time(connect(target), "the platform's host did not answer in time").await?;
    in_time(shake(target, tls, tcp, refused), "the platform's host did not shake hands in time").await
}

/// It may work later.
pub fn retry(reason: impl Into<String>) -> Refused {
    Refused::Retry { after: None, reason: reason.into() }
}

async fn shake(
    target: &Target,
    tls: &Arc<rustls::ClientConfig>,
    tcp: TcpStream,
    refused: impl Fn(&Response<()>) -> Refused,
) -> Result<Socket, Refused> {
    let io: Box<dyn Io> = if target.is_tls() { encrypt(target, tls, tcp).await? } else { Box::new(buffered(tcp)) };
    let shaken = client_async_with_config(target.expose(), io, Some(limits())).await;
    shaken.map(|(socket, _)| socket).map_err(|error| match error {
        WsError::Http(response) => refused(&response.map(drop)),
        _ => retry("the WebSocket handshake failed"),
    })
}

async fn encrypt(target: &Target, tls: &Arc<rustls::ClientConfig>, tcp: TcpStream) -> Result<Box<dyn Io>, Refused> {
    let name = ServerName::try_from(target.host().to_owned()).map_err(|_| retry("the host has no usable name"))?;
    let tls = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
    Ok(Box::new(buffered(tls.map_err(|error| retry(untrusted(&error)))?)))
}

/// The WebSocket layer asks for little more than the message that it is reading, and its buffer shrinks with every message
/// that is still held. A buffer below it makes one system call serve all messages that are there.
fn buffered<T: AsyncRead>(io: T) -> BufReader<T> {
    BufReader::with_capacity(READ_BUFFER_BYTES, io)
}

async fn in_time<T>(step: impl Future<Output = Result<T, Refused>>, late: &'static str) -> Result<T, Refused> {
    tokio::time::timeout(DIAL_TIMEOUT, step).await.unwrap_or_else(|_| Err(retry(late)))
}

async fn connect(target: &Target) -> Result<TcpStream, Refused> {
    let tcp = TcpStream::connect((target.host(), target.port())).await;
    let tcp = tcp.map_err(|_| retry("the platform's host cannot be reached"))?;
    // Acks are small and urgent. A socket that cannot do this still works.
    let _ = tcp.set_nodelay(true);
    Ok(tcp)
}

/// What a connection may send and we hold.
#[must_use]
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(MESSAGE_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

fn untrusted(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            format!("the platform's certificate is not trusted: {fault:?}")
        }
        _ => "TLS with the platform's host failed".to_owned(),
    }
}
