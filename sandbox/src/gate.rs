//! What every request to a platform passes: the journal, its scripted fault, its handler.
//!
//! The work runs in a task of its own. A client that hangs up therefore does not stop the platform from acting, as in life:
//! that is how a refresh token gets spent without anybody having its successor.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::docket::Docket;
use crate::faults::Action;
use crate::journal::{Call, Outcome};
use crate::line::Line;
use crate::site::Site;
use crate::world::refresh_log::Word;
use crate::written::Receipt;

/// The largest body taken, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// For the handler: the platform takes the person for this one.
#[derive(Clone)]
pub struct MixedUpWith(pub String);

/// How a platform's requests and answers are read.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// What a request is about.
    pub read: fn(&Site, &Parts, &[u8]) -> Call,
    /// Fingerprints of the secrets in an answer, a refresh token's under `refresh_token`.
    pub issued: fn(&Value) -> BTreeMap<String, String>,
    /// What an answer of the token endpoint says about the token sent.
    pub word: fn(StatusCode, &Value) -> Word,
    /// The header that tells after how many seconds to come again.
    pub reset_header: &'static str,
}

/// What the middleware of one platform works with.
#[derive(Clone)]
pub struct Gate {
    /// The platform.
    pub site: Arc<Site>,
    /// Its dialect.
    pub dialect: Dialect,
}

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
    State(gate): State<Gate>,
    Extension(line): Extension<Line>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Gate { site, dialect } = gate;
    let call = (dialect.read)(&site, &parts, &body);
    let action = site.faults.meet(&call);
    let docket = Docket::open(&site, dialect, &call);
    let seq = site.journal.open(call, site.clock.now_ms());
    let request = Request::from_parts(parts, Body::from(body));
    let case = Case { site: Arc::clone(&site), dialect, seq, docket, action };
    // Made before the wait: a client that hangs up drops it, and the journal knows that nobody had the answer.
    let receipt = case.receipt();
    match site.tasks.spawn(case.work(request, next)).await {
        Ok(End::Answer(response)) => with_receipt(response, receipt),
        Ok(End::Part(response, bytes)) => {
            line.cut_after(bytes);
            with_receipt(response, receipt)
        }
        Ok(End::Cut(last_words)) => line.cut(last_words).await,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn with_receipt(mut response: Response, receipt: Arc<Receipt>) -> Response {
    response.extensions_mut().insert(receipt);
    response
}

/// A request, the fault that meets it, and where it is written down.
struct Case {
    site: Arc<Site>,
    dialect: Dialect,
    seq: u64,
    docket: Option<Docket>,
    action: Option<Action>,
}

impl Case {
    /// Tells the journal and the judge's log how the answer went out.
    fn receipt(&self) -> Arc<Receipt> {
        let (site, seq, docket) = (Arc::clone(&self.site), self.seq, self.docket.clone());
        Receipt::new(move |whole| {
            if let Some(docket) = docket {
                docket.settled(whole);
            }
            site.journal.note(seq, |entry| entry.written = Some(whole));
        })
    }

    /// Everything that the platform and the fault do, whether or not the client is still there.
    async fn work(self, request: Request, next: Next) -> End {
        let answer = async {
            match &self.action {
                None => End::Answer(self.act(request, next).await),
                Some(action) => self.meet(request, next, action).await,
            }
        };
        // What is delayed or held must not keep the sandbox from stopping.
        let end = tokio::select! {
            end = answer => end,
            () = self.site.stop.cancelled() => End::Cut(Vec::new()),
        };
        let end = self.close(end).await;
        let now_ms = self.site.clock.now_ms();
        self.site.journal.note(self.seq, |entry| {
            entry.done_ms = Some(now_ms);
            entry.answered = matches!(end, End::Answer(_));
        });
        end
    }

    /// Lets the fault meet the request.
    async fn meet(&self, request: Request, next: Next, action: &Action) -> End {
        let faults = &self.site.faults;
        self.site.journal.note(self.seq, |entry| entry.fault = Some(action.kind().to_owned()));
        if !action.acts_first() {
            faults.wait(action).await;
        }
        let mut answer = None;
        if action.acts() {
            answer = Some(self.act(request, next).await);
        }
        if action.acts_first() {
            faults.wait(action).await;
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

    /// Runs the handler and writes its outcome down.
    async fn act(&self, mut request: Request, next: Next) -> Response {
        if let Some(Action::AnotherPerson { open_id }) = &self.action {
            request.extensions_mut().insert(MixedUpWith(open_id.clone()));
        }
        let (parts, body) = next.run(request).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(docket) = &self.docket {
            docket.acted(parts.status, &json);
        }
        let outcome = self.outcome(parts.status, &json);
        self.site.journal.note(self.seq, |entry| entry.outcome = Some(outcome));
        Response::from_parts(parts, Body::from(bytes))
    }

    fn outcome(&self, status: StatusCode, body: &Value) -> Outcome {
        let code = body.get("code").or_else(|| body.get("error")).cloned();
        Outcome { http: status.as_u16(), code, issued: (self.dialect.issued)(body) }
    }

    /// Writes down for the judge what the client is going to be told.
    async fn close(&self, end: End) -> End {
        let Some(docket) = &self.docket else {
            return end;
        };
        let (response, limit) = match end {
            End::Answer(response) => (response, None),
            End::Part(response, bytes) => (response, Some(bytes)),
            End::Cut(last_words) => {
                docket.gave_up();
                return End::Cut(last_words);
            }
        };
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let own = !self.action.as_ref().is_some_and(Action::replaces_answer);
        docket.answered(parts.status, &parts.headers, &bytes, own);
        let response = Response::from_parts(parts, Body::from(bytes));
        match limit {
            None => End::Answer(response),
            Some(bytes) => End::Part(response, bytes),
        }
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
