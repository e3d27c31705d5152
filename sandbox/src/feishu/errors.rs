//! The platform's two ways to say no: `code`/`msg` at the open platform, `code`/`error`/`error_description` at OAuth.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Value,
    headers: Vec<(&'static str, u64)>,
}

impl Refusal {
    /// `{"code","msg","data":{}}` with a status.
    #[must_use]
    pub fn open_api(status: StatusCode, code: i64, msg: &str) -> Self {
        Self { status, body: json!({"code": code, "msg": msg, "data": {}}), headers: Vec::new() }
    }

    /// The usual status of the open platform's errors: 400.
    #[must_use]
    pub fn bad(code: i64, msg: &str) -> Self {
        Self::open_api(StatusCode::BAD_REQUEST, code, msg)
    }

    /// A body of the caller's making.
    #[must_use]
    pub fn body(status: StatusCode, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: u64) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The `code` of the body, 0 if there is none.
    #[must_use]
    pub fn code(&self) -> i64 {
        self.body["code"].as_i64().unwrap_or_default()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.insert(name, HeaderValue::from(value));
        }
        (self.status, headers, Json(self.body)).into_response()
    }
}

/// The open platform's success: `{"code":0,"msg":"success","data":…}`.
#[must_use]
pub fn success(data: &Value) -> Response {
    Json(json!({"code": 0, "msg": "success", "data": data})).into_response()
}
