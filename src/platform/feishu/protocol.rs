//! Opens long connections: asks the endpoint for an address and dials it.
//!
//! A refused handshake names its reason in headers of its own; the same codes as at the endpoint decide.

use std::sync::Arc;

use async_trait::async_trait;
use http::Response;

use crate::platform::dial::{dial, retry};
use crate::platform::feishu::codec::{FeishuCodec, Renderer};
use crate::platform::feishu::endpoint::{Endpoint, refusal};
use crate::stream::contract::{Opened, Protocol, Refused};

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
        let socket = dial(&address.target, &self.tls, refused_handshake).await?;
        let codec = FeishuCodec::new(self.endpoint.app.clone(), address.service, timing, self.renderer.clone());
        Ok(Opened { socket, codec: Box::new(codec) })
    }
}

/// 514 stands for several reasons that the second code tells apart; without one it was seen to pass by itself.
fn refused_handshake(response: &Response<()>) -> Refused {
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
