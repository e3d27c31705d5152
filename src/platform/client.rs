//! How we call a platform over HTTP: one kind of client, bounded in time and in size, and the answer to the question
//! that matters for anything that can be spent once: *can the request have been acted on?*
//!
//! * TLS by rustls with the roots that [`rustls_config`] loads; no redirect is followed, no proxy of the environment is
//!   used, nothing is repeated. Idle connections are dropped after four seconds, before the usual servers drop them,
//!   because a request written into a connection that is just being closed has an unknown fate.
//! * A failure to connect (name, TCP, TLS) is [`NoAnswer::NotSent`]. Anything later is [`NoAnswer::Unclear`].
//! * A body is read as it comes and up to a cap that counts decoded bytes, so that a small compressed body cannot
//!   become a large one in memory.
//!
//! Knows no platform.

mod strict_json;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use url::Url;
use zeroize::Zeroizing;

pub use strict_json::{NotStrict, strict_object};
pub use tls::rustls_config;

/// The cap on a body where nothing else is said, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with the certificates of the trusted authorities cannot be read.
    #[error("cannot read the CA file {path}: {source}")]
    CaFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no usable certificate.
    #[error("the CA file {path} holds no usable PEM certificate")]
    NoCertificate {
        /// The file.
        path: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses the settings.
    #[error("the HTTP client cannot be built: {0}")]
    Http(#[from] reqwest::Error),
}

/// The bounds of one call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For all of it, from the first byte of the look-up to the last of the body.
    pub total: Duration,
    /// The longest body, decoded, in bytes.
    pub max_body: usize,
}

/// What came back.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The decoded body; it may hold tokens and is wiped on drop.
    pub body: Zeroizing<Vec<u8>>,
}

/// Nothing usable came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No byte of the request has left: nothing was done.
    #[error("the platform cannot be reached")]
    NotSent,
    /// The request may have been acted on.
    #[error("the request was sent, and no usable answer came")]
    Unclear,
}

impl Limits {
    /// This much time, and [`MAX_BODY_BYTES`].
    #[must_use]
    pub const fn within(total: Duration) -> Self {
        Self { total, max_body: MAX_BODY_BYTES }
    }
}

/// Builds the client. `tls` comes from [`rustls_config`].
pub fn http_client(tls: &rustls::ClientConfig) -> Result<reqwest::Client, ClientError> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .user_agent(concat!("cardkey/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .build()?;
    Ok(client)
}

/// What an app reaches its platform with: trust for long connections, and a client that trusts the same.
pub fn clients(ca_file: Option<&Path>) -> Result<(Arc<rustls::ClientConfig>, reqwest::Client), ClientError> {
    let tls = rustls_config(ca_file)?;
    let http = http_client(&tls)?;
    Ok((tls, http))
}

/// Sends a request and reads the whole answer within the limits.
pub async fn call(request: reqwest::RequestBuilder, limits: Limits) -> Result<Answer, NoAnswer> {
    let mut response = request.timeout(limits.total).send().await.map_err(|error| no_answer(&error))?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = read_body(&mut response, limits.max_body).await?;
    Ok(Answer { status, headers, body })
}

/// The address of a path below a base. Segments are escaped, so that an id is never read as a path.
#[must_use]
pub fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

async fn read_body(response: &mut reqwest::Response, cap: usize) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer::Unclear)? {
        if body.len() + chunk.len() > cap {
            return Err(NoAnswer::Unclear);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request that could not even be built has not been sent either.
fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_connect() || error.is_builder() { NoAnswer::NotSent } else { NoAnswer::Unclear }
}

#[cfg(test)]
mod tests;
