//! What every request to the platform passes: the journal, its scripted fault, its handler.
//!
//! The work runs in a task of its own. A client that hangs up therefore does not stop the platform from acting, as in life:
//! that is how a refresh token gets spent without anybody having its successor.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Feishu, call};
use crate::faults::Action;
use crate::journal::Outcome;
use crate::line::Line;
use crate::written::Receipt;

/// The largest body taken, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// What is to be done with the connection.
enum End {
    Answer(Response),
    /// Only so many bytes of it.
    Part(Response, usize),
    /// None, but these bytes.
    Cut(Vec<u8>),
}

/// The middleware.
pub async fn gate(
    State(feishu): State<Arc<Feishu>>,
    Extension(line): Extension<Line>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = call::read(&feishu, &parts, &body);
    let action = feishu.faults.meet(&call);
    let seq = feishu.journal.open(call, feishu.clock.now_ms());
    let request = Request::from_parts(parts, Body::from(body));
    let shared = Arc::clone(&feishu);
    let stop = feishu.stop.clone().cancelled_owned();
    let work = async move {
        let answer = async {
            match action {
                None => End::Answer(act(&shared, seq, request, next).await),
                Some(action) => meet(&shared, seq, request, next, &action).await,
            }
        };
        // What is delayed or held must not keep the sandbox from stopping.
        tokio::select! {
            end = answer => end,
            () = stop => End::Cut(Vec::new()),
        }
    };
    // Made before the wait: a client that hangs up drops it, and the journal knows that nobody had the answer.
    let receipt = receipt(Arc::clone(&feishu), seq);
    let end = feishu.tasks.spawn(work).await;
    let answered = matches!(end, Ok(End::Answer(_)) | Err(_));
    let now_ms = feishu.clock.now_ms();
    feishu.journal.note(seq, |entry| {
        entry.done_ms = Some(now_ms);
        entry.answered = answered;
    });
    match end {
        Ok(End::Answer(response)) => with_receipt(response, receipt),
        Ok(End::Part(response, bytes)) => {
            line.cut_after(bytes);
            with_receipt(response, receipt)
        }
        Ok(End::Cut(last_words)) => line.cut(last_words).await,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Tells the journal how the answer went out.
fn receipt(feishu: Arc<Feishu>, seq: u64) -> Arc<Receipt> {
    Receipt::new(move |whole| feishu.journal.note(seq, |entry| entry.written = Some(whole)))
}

fn with_receipt(mut response: Response, receipt: Arc<Receipt>) -> Response {
    response.extensions_mut().insert(receipt);
    response
}

/// Lets the fault meet the request.
async fn meet(feishu: &Feishu, seq: u64, request: Request, next: Next, action: &Action) -> End {
    feishu.journal.note(seq, |entry| entry.fault = Some(action.kind().to_owned()));
    if !action.acts_first() {
        feishu.faults.wait(action).await;
    }
    let mut answer = None;
    if action.acts() {
        answer = Some(act(feishu, seq, request, next).await);
    }
    if action.acts_first() {
        feishu.faults.wait(action).await;
    }
    if let Some(last_words) = action.last_words() {
        return End::Cut(last_words);
    }
    let response = scripted(action).or(answer).unwrap_or_default();
    match action {
        Action::CutAnswer { bytes } => End::Part(response, *bytes),
        _ => End::Answer(response),
    }
}

/// The answer that the fault puts in the real one's place.
fn scripted(action: &Action) -> Option<Response> {
    match action {
        Action::Status { status, body, headers, .. } => {
            let status = StatusCode::from_u16(*status).unwrap_or_default();
            Some((status, header_map(headers), body.to_string()).into_response())
        }
        Action::Body { body_text, headers, .. } => {
            Some((StatusCode::OK, header_map(headers), body_text.clone()).into_response())
        }
        _ => None,
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            map.insert(name, value);
        }
    }
    map
}

/// Runs the handler and writes its outcome down.
async fn act(feishu: &Feishu, seq: u64, request: Request, next: Next) -> Response {
    let (parts, body) = next.run(request).await.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let outcome = outcome(parts.status, &bytes);
    feishu.journal.note(seq, |entry| entry.outcome = Some(outcome));
    Response::from_parts(parts, Body::from(bytes))
}

fn outcome(status: StatusCode, body: &Bytes) -> Outcome {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = json.get("code").or_else(|| json.get("error")).cloned();
    Outcome { http: status.as_u16(), code, issued: call::issued(&json) }
}
