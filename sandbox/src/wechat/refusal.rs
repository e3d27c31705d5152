//! The platform's one way to say no, and its one way to say yes: HTTP 200, JSON, and `text/plain`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::random;

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refusal {
    errcode: i64,
    errmsg: String,
}

impl Refusal {
    /// A refusal with this code. The message gets the request's id at its end, so that nobody compares whole messages.
    #[must_use]
    pub fn new(errcode: i64, errmsg: &str) -> Self {
        let rid = [random::hex(8), random::hex(8), random::hex(8)].join("-");
        Self { errcode, errmsg: format!("{errmsg} rid: {rid}") }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Plain(json!({"errcode": self.errcode, "errmsg": self.errmsg})).into_response()
    }
}

/// JSON that is not called so.
#[derive(Debug)]
pub struct Plain(pub Value);

impl IntoResponse for Plain {
    fn into_response(self) -> Response {
        // Slashes are escaped, which is legal JSON and which some clients have stumbled over.
        let text = self.0.to_string().replace('/', "\\/");
        (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain")], text).into_response()
    }
}

/// Whatever is no interface.
pub async fn no_such_address() -> Refusal {
    Refusal::new(40_066, "invalid url")
}
