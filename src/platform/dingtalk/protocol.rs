//! Opens stream connections: asks the endpoint for an address with its ticket, and dials it. A ticket is never used twice.

use std::sync::Arc;

use async_trait::async_trait;
use http::Response;

use super::codec::{DingTalkCodec, Renderer};
use super::endpoint::Endpoint;
use crate::platform::dial::{dial, retry};
use crate::stream::contract::{Opened, Protocol, Refused};

/// The stream of one app.
pub struct DingTalkProtocol {
    /// Where addresses come from.
    pub endpoint: Endpoint,
    /// Whom to trust.
    pub tls: Arc<rustls::ClientConfig>,
    /// How answers are written.
    pub renderer: Renderer,
}

#[async_trait]
impl Protocol for DingTalkProtocol {
    async fn open(&self) -> Result<Opened, Refused> {
        let target = self.endpoint.ask().await?;
        let socket = dial(&target, &self.tls, refused_handshake).await?;
        let codec = DingTalkCodec::new(self.endpoint.app.clone(), self.renderer.clone());
        Ok(Opened { socket, codec: Box::new(codec) })
    }
}

/// A ticket that is over or was used is refused with 400; the next dial has another.
fn refused_handshake(response: &Response<()>) -> Refused {
    retry(format!("the platform refused the handshake with HTTP status {}", response.status().as_u16()))
}

#[cfg(test)]
mod dial_rate;
