//! Reads an answer: either the object that was asked for, or why there is none. The content type is not looked at: the platform
//! calls its JSON plain text.

use std::time::Duration;

use serde_json::{Map, Value};

use super::errors::{Meaning, meaning};
use crate::platform::app_call;
use crate::platform::client::{Answer, strict_object};
use crate::platform::effect::Effect;
use crate::platform::{BadCode, LoginError, PlatformCode, PlatformError};

/// The wait where a minute's quota is used up.
const A_MINUTE: Duration = Duration::from_mins(1);

/// The wait where a day's quota is used up: nobody waits for the day's end, and it may be raised before.
const A_WHILE: Duration = Duration::from_mins(10);

/// Why there is no answer to use.
pub(super) type Failure = app_call::Failure<Meaning>;

impl From<Failure> for PlatformError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Failure> for LoginError {
    fn from(failure: Failure) -> Self {
        match (failure.meaning, failure.error) {
            (Some(Meaning::UnknownCode), _) => Self::Code(BadCode::Unknown),
            (Some(Meaning::UsedCode), _) => Self::Code(BadCode::Used),
            (Some(Meaning::Blocked), _) => Self::Blocked,
            (Some(Meaning::PerMinute), PlatformError::RateLimited { after }) => Self::TooOften { after },
            (_, error) => Self::Platform(error),
        }
    }
}

/// Reads the answer's object.
pub(super) fn read(answer: &Answer, effect: Effect) -> Result<Map<String, Value>, Failure> {
    let object = strict_object(&answer.body).map_err(|_| effect.without_answer())?;
    match object.get("errcode").map(Value::as_i64) {
        None | Some(Some(0)) if answer.status.is_success() => Ok(object),
        None | Some(Some(0) | None) => Err(effect.without_answer().into()),
        Some(Some(code)) => Err(refusal(code)),
    }
}

fn refusal(number: i64) -> Failure {
    let (code, meaning) = (PlatformCode::from(number), meaning(number));
    let error = match meaning {
        Some(Meaning::Misconfigured) => PlatformError::Misconfigured { code },
        Some(Meaning::PerMinute) => PlatformError::RateLimited { after: A_MINUTE },
        Some(Meaning::PerDay) => PlatformError::RateLimited { after: A_WHILE },
        // A token that is refused once more although it is new says nothing about the app.
        Some(Meaning::Unavailable | Meaning::StaleAppToken) => PlatformError::Unavailable,
        _ => PlatformError::Rejected { code },
    };
    Failure { error, meaning }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn login_error(status: u16, body: &str) -> Option<LoginError> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() };
        read(&answer, Effect::Acts).err().map(LoginError::from)
    }

    #[test]
    fn tells_answers_from_refusals_and_from_noise() {
        use PlatformError::{Misconfigured, RateLimited, Rejected, Unavailable, Unclear};
        let code = |number: i64| PlatformCode::from(number);
        for (status, body, expected) in [
            (200, r#"{"openid":"o","session_key":"k"}"#, None),
            (200, r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (200, r#"{"errcode":40029,"errmsg":"invalid code, rid: 5f…"}"#, Some(LoginError::Code(BadCode::Unknown))),
            (200, r#"{"errcode":40163}"#, Some(LoginError::Code(BadCode::Used))),
            (200, r#"{"errcode":40226}"#, Some(LoginError::Blocked)),
            (200, r#"{"errcode":45011}"#, Some(LoginError::TooOften { after: A_MINUTE })),
            (200, r#"{"errcode":45009}"#, Some(RateLimited { after: A_WHILE }.into())),
            (200, r#"{"errcode":-1}"#, Some(Unavailable.into())),
            (500, r#"{"errcode":-1}"#, Some(Unavailable.into())),
            (200, r#"{"errcode":40013}"#, Some(Misconfigured { code: code(40_013) }.into())),
            (200, r#"{"errcode":40125}"#, Some(Misconfigured { code: code(40_125) }.into())),
            (200, r#"{"errcode":40164}"#, Some(Misconfigured { code: code(40_164) }.into())),
            (200, r#"{"errcode":41002}"#, Some(Rejected { code: code(41_002) }.into())),
            (200, r#"{"errcode":77}"#, Some(Rejected { code: code(77) }.into())),
            (200, r#"{"errcode":40001}"#, Some(Unavailable.into())),
            (200, r#"{"errcode":"40029"}"#, Some(Unclear.into())),
            (200, r#"{"errcode":1.5}"#, Some(Unclear.into())),
            (200, r#"{"openid":"a","openid":"b"}"#, Some(Unclear.into())),
            (502, r#"{"openid":"a"}"#, Some(Unclear.into())),
            (200, "<html>", Some(Unclear.into())),
            (200, "", Some(Unclear.into())),
            (302, "", Some(Unclear.into())),
        ] {
            assert_eq!(login_error(status, body), expected, "{status} {body}");
        }
    }
}
