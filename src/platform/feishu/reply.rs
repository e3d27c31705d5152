//! Reads an answer: either the object that was asked for, or why there is none.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::errors::{Meaning, meaning, meaning_of_name};
use crate::platform::app_call::Failed;
use crate::platform::client::{Answer, strict_object};
use crate::platform::effect::Effect;
use crate::platform::{PlatformCode, PlatformError};

/// The wait where the platform limits our rate and does not say for how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The longest wait that the platform can ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Why there is no answer to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// For callers outside this folder.
    pub(super) error: PlatformError,
    /// What the code means, where one came that we know.
    pub(super) meaning: Option<Meaning>,
    /// The platform's code, where one came.
    pub(super) code: Option<i64>,
    /// The OAuth name of the refusal, where one came.
    pub(super) name: Option<String>,
    /// Whether the platform's message is about the receiver's id.
    pub(super) names_receiver: bool,
}

impl From<PlatformError> for Failure {
    fn from(error: PlatformError) -> Self {
        Self::of(error)
    }
}

impl Failed for Failure {
    fn error(&self) -> &PlatformError {
        &self.error
    }

    fn is_stale_app_token(&self) -> bool {
        self.meaning == Some(Meaning::StaleAppToken)
    }
}

impl Failure {
    pub(super) const fn of(error: PlatformError) -> Self {
        Self { error, meaning: None, code: None, name: None, names_receiver: false }
    }
}

/// Reads the answer's object.
pub(super) fn read(answer: &Answer, effect: Effect) -> Result<Map<String, Value>, Failure> {
    let wait = wait_asked(&answer.headers);
    let object = match strict_object(&answer.body) {
        Ok(object) => object,
        Err(_) if answer.status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(Failure::of(PlatformError::RateLimited { after: wait }));
        }
        Err(_) => return Err(Failure::of(effect.without_answer())),
    };
    let code = code_of(&object).map_err(|NoNumber| Failure::of(effect.without_answer()))?;
    if code == Some(0) || (code.is_none() && !object.contains_key("error")) {
        return if answer.status.is_success() { Ok(object) } else { Err(without_code(answer.status, wait, effect)) };
    }
    Err(refusal(&object, code, answer.status, wait, effect))
}

/// A status that says no, and nothing that says why.
fn without_code(status: StatusCode, wait: Duration, effect: Effect) -> Failure {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Failure::of(PlatformError::RateLimited { after: wait });
    }
    Failure::of(effect.without_answer())
}

fn refusal(
    object: &Map<String, Value>,
    code: Option<i64>,
    status: StatusCode,
    wait: Duration,
    effect: Effect,
) -> Failure {
    let name = object.get("error").and_then(Value::as_str).map(str::to_owned);
    let known = match (code, &name) {
        _ if status == StatusCode::TOO_MANY_REQUESTS => Some(Meaning::RateLimited),
        (Some(code), _) => meaning(code),
        (None, Some(name)) => Some(meaning_of_name(name)),
        (None, None) => None,
    };
    let shown = code.map_or(PlatformCode::NONE, PlatformCode::from);
    let error = match known {
        Some(Meaning::Unclear) => effect.without_answer(),
        Some(meaning) => meaning.error(shown, wait),
        None if status.is_server_error() => effect.without_answer(),
        None => PlatformError::Rejected { code: shown },
    };
    Failure { error, meaning: known, code, name, names_receiver: names_receiver(object) }
}

/// The code is not a number.
struct NoNumber;

/// The object's code, if it has one. Text holding a number is one.
fn code_of(object: &Map<String, Value>) -> Result<Option<i64>, NoNumber> {
    match object.get("code") {
        None => Ok(None),
        Some(Value::Number(number)) => number.as_i64().map(Some).ok_or(NoNumber),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| NoNumber),
        Some(_) => Err(NoNumber),
    }
}

fn names_receiver(object: &Map<String, Value>) -> bool {
    let message = object.get("msg").and_then(Value::as_str).unwrap_or_default();
    let violations = object.get("error").map(Value::to_string).unwrap_or_default();
    ["receive_id", "open_id"].iter().any(|word| message.contains(word) || violations.contains(word))
}

/// How long the platform asks us to wait, in whole seconds.
fn wait_asked(headers: &HeaderMap) -> Duration {
    ["x-ogw-ratelimit-reset", "retry-after"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok())
        .map_or(DEFAULT_WAIT, Duration::from_secs)
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() }
    }

    fn error_of(status: u16, body: &str, effect: Effect) -> Option<PlatformError> {
        read(&answer(status, body), effect).err().map(|failure| failure.error)
    }

    #[test]
    fn tells_answers_from_refusals_and_from_noise() {
        use PlatformError::{Misconfigured, Rejected, Unavailable, Unclear};
        for (status, body, expected) in [
            (200, r#"{"code":0}"#, None),
            (200, r#"{"code":"0"}"#, None),
            (200, r"{}", None),
            (200, r#"{"code":20003}"#, Some(Rejected { code: 20003.into() })),
            (400, r#"{"code":20003,"error":"invalid_grant"}"#, Some(Rejected { code: 20003.into() })),
            (400, r#"{"code":"20003"}"#, Some(Rejected { code: 20003.into() })),
            (400, r#"{"code":77}"#, Some(Rejected { code: 77.into() })),
            (200, r#"{"code":77}"#, Some(Rejected { code: 77.into() })),
            (500, r#"{"code":77}"#, Some(Unclear)),
            (500, r#"{"code":20050}"#, Some(Unclear)),
            (503, r#"{"code":20072}"#, Some(Unavailable)),
            (500, r#"{"code":0}"#, Some(Unclear)),
            (400, r#"{"error":"invalid_client"}"#, Some(Misconfigured { code: PlatformCode::NONE })),
            (400, r#"{"error":"invalid_grant"}"#, Some(Rejected { code: PlatformCode::NONE })),
            (200, r#"{"error":"invalid_grant"}"#, Some(Rejected { code: PlatformCode::NONE })),
            (400, r"{}", Some(Unclear)),
            (403, "<html>", Some(Unclear)),
            (200, "<html>", Some(Unclear)),
            (200, r#"{"code":null}"#, Some(Unclear)),
            (200, r#"{"code":1.5}"#, Some(Unclear)),
            (200, r#"{"code":"x"}"#, Some(Unclear)),
            (200, r#"{"code":20003,"code":0}"#, Some(Unclear)),
            (302, "", Some(Unclear)),
        ] {
            assert_eq!(error_of(status, body, Effect::Acts), expected, "{status} {body}");
        }
        assert_eq!(error_of(500, r#"{"code":20050}"#, Effect::Harmless), Some(Unavailable));
        assert_eq!(error_of(200, "<html>", Effect::Harmless), Some(Unavailable));
    }

    #[test]
    fn a_limited_rate_says_for_how_long() {
        for (reset, expected) in [("3", 3), ("0", 0), ("x", 1), ("-1", 1), ("999999", 300)] {
            let mut limited = answer(429, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#);
            limited.headers.insert("x-ogw-ratelimit-reset", reset.parse().unwrap());
            let failure = read(&limited, Effect::Acts).unwrap_err();
            assert_eq!(failure.error, PlatformError::RateLimited { after: Duration::from_secs(expected) }, "{reset}");
        }
        for body in ["", "busy", "{}", r#"{"code":1}"#] {
            let after = Duration::from_secs(1);
            assert_eq!(error_of(429, body, Effect::Acts), Some(PlatformError::RateLimited { after }), "{body}");
        }
    }
}
