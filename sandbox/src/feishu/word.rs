//! What an answer of the token endpoint says about the refresh token sent, for the judge.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::refresh_log::Word;

/// The refresh token of a request is dead, by the platform's codes.
const DENIED: [i64; 5] = [20024, 20026, 20037, 20064, 20073];
/// The person may have no token.
const PERSON: [i64; 3] = [20008, 20010, 20066];
/// Something is wrong with the app.
const APP: [i64; 6] = [20002, 20009, 20036, 20048, 20069, 20074];
/// Too many requests.
const LIMITED: i64 = 99_991_400;

/// What the answer says about the token sent.
#[must_use]
pub fn word(status: StatusCode, body: &Value) -> Word {
    let code = body["code"].as_i64().or_else(|| body["code"].as_str()?.parse().ok());
    match code {
        Some(LIMITED) => Word::Limited,
        _ if status == StatusCode::TOO_MANY_REQUESTS => Word::Limited,
        _ if status.is_server_error() => Word::Failed,
        Some(0) if status.is_success() && body["access_token"].is_string() => Word::Rotated,
        Some(code) if DENIED.contains(&code) => Word::Denied,
        Some(code) if PERSON.contains(&code) => Word::Person,
        Some(code) if APP.contains(&code) => Word::App,
        _ if status.is_success() => Word::Garbled,
        None if body["error"] == "invalid_grant" => Word::Denied,
        None if !body["error"].is_string() => Word::Garbled,
        _ => Word::Refused,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_answer_has_its_word() {
        for (status, body, wanted) in [
            (200, json!({"code": 0, "access_token": "a"}), Word::Rotated),
            (200, json!({"code": "0", "access_token": "a"}), Word::Rotated),
            (200, json!({"code": 0}), Word::Garbled),
            (200, Value::Null, Word::Garbled),
            (400, json!({"code": 20073, "error": "invalid_grant"}), Word::Denied),
            (200, json!({"code": 20073}), Word::Denied),
            (400, json!({"error": "invalid_grant"}), Word::Denied),
            (400, json!({"code": 20066}), Word::Person),
            (400, json!({"code": 20069}), Word::App),
            (400, json!({"code": 20063, "error": "invalid_request"}), Word::Refused),
            (400, Value::Null, Word::Garbled),
            (429, Value::Null, Word::Limited),
            (400, json!({"code": 99_991_400}), Word::Limited),
            (500, json!({"code": 20050}), Word::Failed),
            (503, Value::Null, Word::Failed),
        ] {
            assert_eq!(word(StatusCode::from_u16(status).unwrap(), &body), wanted, "{status} {body}");
        }
    }
}
