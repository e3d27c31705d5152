//! The platform's two ways to say no: `code`, `requestid`, `message` with a status, and the old interfaces' `errcode` with 200.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::random;

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    /// A refusal with this status.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, message: &str) -> Self {
        // The keys are lower-case, as the platform sends them.
        Self { status, body: json!({"code": code, "requestid": request_id(), "message": message}) }
    }

    /// The usual one: 400.
    #[must_use]
    pub fn bad(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A token that is unknown or has expired. The status is 400, not 401.
    #[must_use]
    pub fn dead_token() -> Self {
        Self::bad("InvalidAuthentication", "不合法的access_token")
    }

    /// The app or the person has not given this permission.
    #[must_use]
    pub fn no_permission(scope: &str) -> Self {
        let code = "Forbidden.AccessDenied.AccessTokenPermissionDenied";
        let mut refusal = Self::new(StatusCode::FORBIDDEN, code, "没有调用该接口的权限");
        refusal.body["accessdenieddetail"] = json!({"requiredScopes": [scope]});
        refusal
    }

    /// The old interfaces' way.
    #[must_use]
    pub fn old(errcode: i64, errmsg: &str) -> Self {
        Self { status: StatusCode::OK, body: json!({"errcode": errcode, "errmsg": errmsg}) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

fn request_id() -> String {
    let hex = random::hex(32);
    uuid::Uuid::parse_str(&hex).map_or(hex, |id| id.to_string().to_uppercase())
}
