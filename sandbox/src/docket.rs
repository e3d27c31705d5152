//! Keeps the log of refreshes for the judge: what each request to the token endpoint sent, and what its answer says.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::Feishu;
use crate::journal::Call;
use crate::random::Print;
use crate::world::refresh_log::{Acted, RefreshLog, Told, Word};

/// The refresh token of a request is dead, by the platform's codes.
const DENIED: [i64; 5] = [20024, 20026, 20037, 20064, 20073];
/// The person may have no token.
const PERSON: [i64; 3] = [20008, 20010, 20066];
/// Something is wrong with the app.
const APP: [i64; 6] = [20002, 20009, 20036, 20048, 20069, 20074];
/// Too many requests.
const LIMITED: i64 = 99_991_400;

/// One request to the token endpoint, as the log knows it.
#[derive(Clone)]
pub struct Docket {
    feishu: Arc<Feishu>,
    number: usize,
}

impl Docket {
    /// Opens one if the request is to the token endpoint.
    #[must_use]
    pub fn open(feishu: &Arc<Feishu>, call: &Call) -> Option<Self> {
        if call.api != "oauth_token" {
            return None;
        }
        let refreshes = call.grant_type.as_deref() == Some("refresh_token");
        let print = call.sent.get("refresh_token").filter(|_| refreshes).and_then(|print| Print::parse(print));
        let app_id = call.app_id.as_deref().unwrap_or_default();
        let at_ms = feishu.clock.now_ms();
        let number = feishu.world.lock().tokens.log_mut().send(app_id, print, at_ms);
        Some(Self { feishu: Arc::clone(feishu), number })
    }

    fn write(&self, line: impl FnOnce(&mut RefreshLog)) {
        line(self.feishu.world.lock().tokens.log_mut());
    }

    /// The platform did its work and would answer so.
    pub fn acted(&self, status: StatusCode, body: &Value) {
        let issued = body["refresh_token"].as_str().map(Print::of);
        let acted = Acted { at_ms: self.feishu.clock.now_ms(), word: word(status, body), issued };
        self.write(|log| log.act(self.number, acted));
    }

    /// This is the answer that is sent; `own` says that no fault made it.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], own: bool) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let reset = headers.get("x-ogw-ratelimit-reset").and_then(|value| value.to_str().ok()?.parse().ok());
        let told = Told { at_ms: self.feishu.clock.now_ms(), word: word(status, &body), reset_s: reset, own };
        self.write(|log| log.finish(self.number, Some(told)));
    }

    /// There is no answer, or none that is the platform's to read.
    pub fn gave_up(&self) {
        self.write(|log| log.finish(self.number, None));
    }

    /// The answer went out, whole or not.
    pub fn settled(&self, whole: bool) {
        self.write(|log| log.settle(self.number, whole));
    }
}

/// What the answer says about the token sent.
fn word(status: StatusCode, body: &Value) -> Word {
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
