//! What every route has around it: answers for unknown routes, panics, counting, and the headers of an answer.

use std::any::Any;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use tower_http::catch_panic::CatchPanicLayer;

use super::caller::Peer;
use super::problem::Problem;
use crate::metrics::Metrics;

/// Why a request was refused, in a word: put into the answer by whoever refuses, for the audit line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Why(pub(super) &'static str);

/// Puts the layers around the routes. The outermost is listed last.
pub(super) fn around(routes: Router, metrics: Metrics) -> Router {
    routes
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn(headers))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(metrics, account))
}

fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    // The payload may hold anything; the panic hook has printed the place.
    tracing::error!("a handler panicked");
    Problem::internal().into_response()
}

/// Nothing here is to be cached, framed, sniffed or named in a referrer.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let set: [(HeaderName, &'static str); 5] = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    ];
    for (name, value) in set {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Counts by the route's template, so that no path of a client's choosing becomes a label; and writes the audit line of
/// a request that was refused. Nothing of the client's own words is in it.
async fn account(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    let response = next.run(request).await;
    let (route, status) = (route.as_deref().unwrap_or("unmatched"), response.status());
    metrics.http_request(route, status.as_u16());
    if let Some(Why(why)) = response.extensions().get().filter(|_| !status.is_server_error()) {
        tracing::info!(target: "audit", peer, route, status = status.as_u16(), why, "a request was refused");
    }
    response
}

#[cfg(test)]
mod tests;
