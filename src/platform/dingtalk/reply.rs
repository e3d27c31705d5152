//! Reads an answer: either the object that was asked for, or why there is none.
//!
//! A refusal is an object with a `code`, which is a word; an answer to a call that worked has none. The old interfaces say
//! `errcode`, which is 0 where it worked. What the guard in front of all that says to who floods it is neither.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::errors::{Meaning, Spends, meaning};
use crate::platform::app_call::{self, Failed};
use crate::platform::client::{Answer, strict_object};
use crate::platform::effect::Effect;
use crate::platform::{PlatformCode, PlatformError};

/// The wait where the platform limits our rate: it does not say for how long, and counts by the second.
const WAIT: Duration = Duration::from_secs(1);

/// The longest time for which whoever floods the platform is shut out.
const LONGEST_BAN: Duration = Duration::from_mins(5);

/// Why there is no answer to use.
pub(super) type Failure = app_call::Failure<Meaning>;

impl Failed for Failure {
    fn error(&self) -> &PlatformError {
        &self.error
    }

    fn is_stale_app_token(&self) -> bool {
        self.meaning == Some(Meaning::DeadToken)
    }
}

/// Reads the answer's object.
pub(super) fn read(answer: &Answer, effect: Effect, spends: Spends) -> Result<Map<String, Value>, Failure> {
    let object = strict_object(&answer.body).ok();
    if let Some(code) = object.as_ref().and_then(code_of) {
        return Err(refusal(code, answer.status, effect, spends));
    }
    if let Some(after) = object.as_ref().and_then(ban) {
        return Err(PlatformError::RateLimited { after }.into());
    }
    match object {
        Some(object) if answer.status.is_success() => Ok(object),
        _ if answer.status == StatusCode::TOO_MANY_REQUESTS => Err(PlatformError::RateLimited { after: WAIT }.into()),
        _ => Err(effect.without_answer().into()),
    }
}

fn refusal(code: PlatformCode, status: StatusCode, effect: Effect, spends: Spends) -> Failure {
    let known = meaning(code);
    let error = match known {
        Some(Meaning::Unclear) => effect.without_answer(),
        Some(meaning) => meaning.error(spends, code, WAIT),
        None if status == StatusCode::TOO_MANY_REQUESTS => PlatformError::RateLimited { after: WAIT },
        None if status.is_server_error() => effect.without_answer(),
        None => PlatformError::Rejected { code },
    };
    Failure { error, meaning: known }
}

/// The code, if the answer is a refusal. A code that is no text is still a refusal: nobody knows which.
fn code_of(object: &Map<String, Value>) -> Option<PlatformCode> {
    let code = object.get("code").or_else(|| object.get("Code"));
    match (code, object.get("errcode")) {
        (Some(Value::String(text)), _) => Some(PlatformCode::clean(text)),
        (Some(other), _) => Some(PlatformCode::clean(&other.to_string())),
        // 88 stands for others, which are said beside it.
        (None, Some(number)) if number == 88 => Some(number_of(object.get("sub_code").unwrap_or(number))),
        (None, Some(number)) => (number != 0).then(|| number_of(number)),
        (None, None) => None,
    }
}

fn number_of(value: &Value) -> PlatformCode {
    PlatformCode::clean(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str())
}

/// For how long the guard in front of the platform shuts us out, if that is what it says; it counts minutes.
fn ban(object: &Map<String, Value>) -> Option<Duration> {
    let is_ban = object.get("status").and_then(Value::as_u64) == Some(1111);
    let minutes = object.get("wait").and_then(Value::as_u64).unwrap_or(1);
    is_ban.then(|| Duration::from_secs(minutes.saturating_mul(60)).clamp(WAIT, LONGEST_BAN))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn read_as(status: u16, body: &str, effect: Effect, spends: Spends) -> Option<PlatformError> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() };
        read(&answer, effect, spends).err().map(|failure| failure.error)
    }

    #[test]
    fn tells_answers_from_refusals_and_from_noise() {
        use PlatformError::{Misconfigured, RateLimited, Rejected, Revoked, Unclear};
        let code = PlatformCode::clean;
        let spent = r#"{"code":"invalidParameter.authCode.notFound","requestid":"x","message":"不合法的临时授权码"}"#;
        let limited = r#"{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}"#;
        for (status, body, expected) in [
            (200, r#"{"accessToken":"a"}"#, None),
            (200, r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (200, "{}", None),
            (400, spent, Some(Revoked { code: code("invalidParameter.authCode.notFound") })),
            (200, spent, Some(Revoked { code: code("invalidParameter.authCode.notFound") })),
            (
                400,
                r#"{"Code":"invalidClientIdOrSecret"}"#,
                Some(Misconfigured { code: code("invalidClientIdOrSecret") }),
            ),
            (403, limited, Some(RateLimited { after: WAIT })),
            (
                403,
                r#"{"code":"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"}"#,
                Some(RateLimited { after: Duration::from_mins(1) }),
            ),
            (
                403,
                r#"{"status":1111,"wait":5,"source":"x5","punish":"deny"}"#,
                Some(RateLimited { after: LONGEST_BAN }),
            ),
            (403, r#"{"status":1111,"wait":99999999999999999}"#, Some(RateLimited { after: LONGEST_BAN })),
            (429, "busy", Some(RateLimited { after: WAIT })),
            (429, r#"{"code":"new.code"}"#, Some(RateLimited { after: WAIT })),
            (400, r#"{"code":"new.code"}"#, Some(Rejected { code: code("new.code") })),
            (200, r#"{"code":"new.code"}"#, Some(Rejected { code: code("new.code") })),
            (400, r#"{"code":"<b>\n"}"#, Some(Rejected { code: code("b") })),
            (400, r#"{"code":""}"#, Some(Rejected { code: PlatformCode::NONE })),
            (400, r#"{"code":7}"#, Some(Rejected { code: code("7") })),
            (200, r#"{"errcode":40089,"errmsg":"x"}"#, Some(Misconfigured { code: code("40089") })),
            (200, r#"{"errcode":88,"sub_code":"90018"}"#, Some(RateLimited { after: WAIT })),
            (200, r#"{"errcode":88}"#, Some(Rejected { code: code("88") })),
            (500, r#"{"code":"new.code"}"#, Some(Unclear)),
            (500, r#"{"code":"system.busy"}"#, Some(Unclear)),
            (503, "<html>", Some(Unclear)),
            (200, "<html>", Some(Unclear)),
            (200, r#"{"accessToken":"a","accessToken":"b"}"#, Some(Unclear)),
            (400, "{}", Some(Unclear)),
            (302, "", Some(Unclear)),
        ] {
            assert_eq!(read_as(status, body, Effect::Acts, Spends::RefreshToken), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_can_be_asked_again_is_not_unclear() {
        for (status, body) in [(500, r#"{"code":"system.busy"}"#), (503, "<html>"), (200, "[]")] {
            let error = read_as(status, body, Effect::Harmless, Spends::UserToken);
            assert_eq!(error, Some(PlatformError::Unavailable), "{status} {body}");
        }
    }
}
