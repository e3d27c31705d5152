//! A web server on a real socket that answers as a test tells it to, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

/// A running server; stops when dropped.
pub(crate) struct FakeServer {
    pub(crate) base: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What to answer.
pub(crate) enum Reply {
    Now(Response),
    /// The request is taken and never answered.
    Never,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The form's fields in order.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

impl FakeServer {
    /// Starts one. `answer` is given the request and how many came before it.
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = base_of(&listener);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let route = any(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let request = read(request).await;
                let before = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                match answer(&request, before) {
                    Reply::Now(response) => response,
                    Reply::Never => std::future::pending().await,
                }
            }
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, axum::Router::new().fallback(route)).await.unwrap() });
        Self { base, seen, _tasks: tasks }
    }

    /// A server that reads each request and closes the connection without a word.
    pub(crate) async fn hanging_up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = base_of(&listener);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 8192]).await;
            }
        });
        Self { base, seen: Arc::default(), _tasks: tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An address where nobody listens.
pub(crate) async fn closed_port() -> Url {
    base_of(&TcpListener::bind("127.0.0.1:0").await.unwrap())
}

pub(crate) fn json(status: u16, body: &Value) -> Reply {
    text(status, &body.to_string())
}

pub(crate) fn text(status: u16, body: &str) -> Reply {
    with_headers(status, &[], body.as_bytes().to_vec())
}

pub(crate) fn with_headers(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Reply::Now(response.body(Body::from(body)).unwrap())
}

fn base_of(listener: &TcpListener) -> Url {
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

async fn read(request: Request) -> Seen {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    Seen { method: head.method, path, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}
