//! Opens long connections: asks the endpoint for an address, dials it, shakes hands.
//!
//! Each step has its own time limit. A refused handshake names its reason in headers of its own; the same codes as at the
//! endpoint decide. No compression is offered, and messages over [`MAX_MESSAGE_BYTES`] end the connection.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Response;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::platform::feishu::address::Address;
use crate::platform::feishu::codec::{FeishuCodec, Renderer};
use crate::platform::feishu::endpoint::{Endpoint, refusal, retry};
use crate::stream::contract::{Io, Opened, Protocol, Refused, Socket};

/// The time for a TCP connection, and again for TLS and the WebSocket handshake together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message taken. The platform splits long events well below it.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// How much is read from the socket at a time.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// How much the WebSocket layer takes out of that at a time.
const MESSAGE_BUFFER_BYTES: usize = 8 << 10;

/// The long connection of one app.
pub struct FeishuProtocol {
    /// Where addresses come from.
    pub endpoint: Endpoint,
    /// Whom to trust.
    pub tls: Arc<rustls::ClientConfig>,
    /// How answers are written.
    pub renderer: Renderer,
}

#[async_trait]
impl Protocol for FeishuProtocol {
    async fn open(&self) -> Result<Opened, Refused> {
        let (address, timing) = self.endpoint.ask().await?;
        let tcp = in_time(connect(&address), "the platform's host did not answer in time").await?;
        let shake = in_time(self.shake(&address, tcp), "the platform's host did not shake hands in time");
        let socket = shake.await?;
        let codec = FeishuCodec::new(self.endpoint.app.clone(), address.service(), timing, self.renderer.clone());
        Ok(Opened { socket, codec: Box::new(codec) })
    }
}

impl FeishuProtocol {
    async fn shake(&self, address: &Address, tcp: TcpStream) -> Result<Socket, Refused> {
        let io: Box<dyn Io> =
            if address.is_tls() { self.encrypt(address, tcp).await? } else { Box::new(buffered(tcp)) };
        let shaken = client_async_with_config(address.expose(), io, Some(limits())).await;
        shaken.map(|(socket, _)| socket).map_err(|error| refused(&error))
    }

    async fn encrypt(&self, address: &Address, tcp: TcpStream) -> Result<Box<dyn Io>, Refused> {
        let name = ServerName::try_from(address.host().to_owned()).map_err(|_| retry("the host has no usable name"))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await;
        Ok(Box::new(buffered(tls.map_err(|error| retry(untrusted(&error)))?)))
    }
}

/// The WebSocket layer asks for little more than the message that it is reading, and its buffer shrinks with every message
/// that is still held. A buffer below it makes one system call serve all messages that are there.
fn buffered<T: AsyncRead>(io: T) -> BufReader<T> {
    BufReader::with_capacity(READ_BUFFER_BYTES, io)
}

async fn in_time<T>(step: impl Future<Output = Result<T, Refused>>, late: &'static str) -> Result<T, Refused> {
    tokio::time::timeout(DIAL_TIMEOUT, step).await.unwrap_or_else(|_| Err(retry(late)))
}

async fn connect(address: &Address) -> Result<TcpStream, Refused> {
    let tcp = TcpStream::connect((address.host(), address.port())).await;
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

fn refused(error: &WsError) -> Refused {
    match error {
        WsError::Http(response) => refused_handshake(response),
        _ => retry("the WebSocket handshake failed"),
    }
}

/// 514 stands for several reasons that the second code tells apart; without one it was seen to pass by itself.
fn refused_handshake<T>(response: &Response<T>) -> Refused {
    let code = |name: &str| response.headers().get(name)?.to_str().ok()?.parse::<i64>().ok();
    let (status, detail) = (code("handshake-status"), code("handshake-autherrcode"));
    let code = match (status, detail) {
        (Some(514), Some(detail)) if detail != 0 => Some(detail),
        (status, _) => status,
    };
    match code.map(refusal) {
        Some(Err(refused @ Refused::Misconfigured { .. })) if code != Some(514) => refused,
        Some(Err(refused @ Refused::Retry { .. })) => refused,
        _ => retry(format!("the platform refused the handshake with HTTP status {}", response.status().as_u16())),
    }
}

#[cfg(test)]
mod tests;
