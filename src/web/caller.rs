//! The caller of a request, by its API key.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::problem::Problem;
use crate::access::Access;
use crate::domain::caller::Caller;

/// The peer of a connection, put into each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// A caller whose key was accepted.
pub(super) struct Authenticated(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated
where
    Access: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(holds_a_key) {
            tracing::warn!(target: "audit", "an API key was sent in an address; it should be revoked");
            return Err(Problem::key_in_query());
        }
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let presented = values.next().and_then(|value| value.to_str().ok()).and_then(bearer);
        if values.next().is_some() {
            return Err(Problem::invalid("Send one Authorization header, not several."));
        }
        let access = Access::from_ref(state);
        let from = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
        Ok(Self(access.authenticate(presented, from).await?))
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Whether a name or a value of the query looks like a key, as it is or behind a scheme.
fn holds_a_key(query: &str) -> bool {
    let key = |text: &str| text.split_ascii_whitespace().any(|word| word.starts_with("ck_"));
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| key(&name) || key(&value))
}
