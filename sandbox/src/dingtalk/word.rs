//! What an answer of the token endpoint says about the refresh token sent, for the judge.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::refresh_log::Word;

/// In a word. The code decides, not the status: throttling is 403.
#[must_use]
pub fn word(status: StatusCode, body: &Value) -> Word {
    match body["code"].as_str() {
        Some("invalidParameter.authCode.notFound") => Word::Denied,
        Some("invalidClientIdOrSecret") => Word::App,
        Some(code) if code.contains("QpsLimit") || code.contains("QpmLimit") => Word::Limited,
        Some("Forbidden.AccessDenied.AccessTokenPermissionDenied") => Word::Person,
        _ if status.is_server_error() => Word::Failed,
        None if status.is_success() && body["accessToken"].is_string() => Word::Rotated,
        None => Word::Garbled,
        Some(_) => Word::Refused,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_answer_has_its_word() {
        for (status, body, wanted) in [
            (200, json!({"accessToken": "a"}), Word::Rotated),
            (200, json!({}), Word::Garbled),
            (400, json!({"code": "invalidParameter.authCode.notFound"}), Word::Denied),
            (400, json!({"code": "invalidClientIdOrSecret"}), Word::App),
            (403, json!({"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}), Word::Limited),
            (403, json!({"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied"}), Word::Person),
            (503, Value::Null, Word::Failed),
            (400, json!({"code": "invalidParameter.grantType"}), Word::Refused),
        ] {
            assert_eq!(word(StatusCode::from_u16(status).unwrap(), &body), wanted, "{status} {body}");
        }
    }
}
