//! Checks what the token endpoint hands out, before any of it is kept or put into a header.
//!
//! A pair that fails the checks is [`PlatformError::Unclear`]: the code or refresh token that bought it is spent.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::domain::ids::SubjectId;
use crate::domain::scopes::ScopeSet;
use crate::domain::token::{RefreshToken, TokenAnswer};
use crate::platform::PlatformError;
use crate::platform::answer_fields::{life, text, token};

/// The life of an access token where the platform does not say.
const DEFAULT_LIFE: Duration = Duration::from_hours(2);

/// Reads the pair out of a successful answer.
pub(super) fn token_answer(object: &Map<String, Value>) -> Result<TokenAnswer, PlatformError> {
    let bearer = text(object, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer {
        return Err(PlatformError::Unclear);
    }
    let access_ttl = match object.get("expires_in") {
        None => DEFAULT_LIFE,
        Some(value) => life(value).ok_or(PlatformError::Unclear)?,
    };
    let scopes = text(object, "scope").map(ScopeSet::from_list).unwrap_or_default();
    // The documents do not promise it; where it stands it counts.
    let subject = text(object, "open_id").and_then(|id| SubjectId::parse(id).ok());
    let access = token(object.get("access_token")).ok_or(PlatformError::Unclear)?;
    let refresh = refresh(object)?;
    Ok(TokenAnswer { access, access_ttl, refresh, scopes, subject, tenant: None })
}

/// The refresh token, if one came. A life that cannot be read is unknown, which is better than a lost token: the
/// platform says so when it is over.
fn refresh(object: &Map<String, Value>) -> Result<Option<RefreshToken>, PlatformError> {
    let given = object.get("refresh_token").filter(|value| !value.is_null() && value.as_str() != Some(""));
    if given.is_none() {
        return Ok(None);
    }
    let ttl = object.get("refresh_token_expires_in").and_then(life);
    let token = token(given).ok_or(PlatformError::Unclear)?;
    Ok(Some(RefreshToken { token, ttl }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::answer_fields::MAX_TOKEN_BYTES;

    fn good() -> Value {
        json!({
            "code": 0, "access_token": "eyJa", "expires_in": 7200, "refresh_token": "eyJr",
            "refresh_token_expires_in": 604_800, "token_type": "Bearer", "scope": "a b"
        })
    }

    fn with(key: &str, value: Value) -> Option<TokenAnswer> {
        let mut object = good().as_object().cloned().unwrap();
        object.insert(key.to_owned(), value);
        token_answer(&object).ok()
    }

    fn without(key: &str) -> Option<TokenAnswer> {
        let mut object = good().as_object().cloned().unwrap();
        object.remove(key);
        token_answer(&object).ok()
    }

    #[test]
    fn a_good_pair_is_read_whole() {
        let answer = token_answer(good().as_object().unwrap()).unwrap();
        assert!(answer.access.matches("eyJa"));
        assert_eq!(answer.access_ttl, Duration::from_hours(2));
        assert_eq!(answer.scopes, ScopeSet::from_list("a b"));
        let refresh = answer.refresh.unwrap();
        assert!(refresh.token.matches("eyJr"));
        assert_eq!(refresh.ttl, Some(Duration::from_hours(7 * 24)));
    }

    #[test]
    fn i23_a_person_who_is_named_is_read() {
        assert!(with("scope", json!("a")).unwrap().subject.is_none());
        assert_eq!(with("open_id", json!("ou_1")).unwrap().subject.unwrap().as_str(), "ou_1");
        for nobody in [json!(""), json!(null), json!(7), json!("ou 1")] {
            assert!(with("open_id", nobody.clone()).unwrap().subject.is_none(), "{nobody}");
        }
    }

    #[test]
    fn a39_without_a_refresh_token_it_is_access_only() {
        assert!(without("refresh_token").unwrap().refresh.is_none());
        assert!(with("refresh_token", json!("")).unwrap().refresh.is_none());
        assert!(with("refresh_token", json!(null)).unwrap().refresh.is_none());
        assert!(with("refresh_token", json!(5)).is_none());
    }

    #[test]
    fn a40_a41_scopes_are_what_the_platform_says() {
        assert_eq!(with("scope", json!("a")).unwrap().scopes.to_string(), "a");
        assert_eq!(with("scope", json!("c b  a")).unwrap().scopes.to_string(), "a b c");
        assert!(without("scope").unwrap().scopes.is_empty());
    }

    #[test]
    fn a42_lives_that_are_none_are_refused() {
        assert_eq!(without("expires_in").unwrap().access_ttl, DEFAULT_LIFE);
        assert_eq!(with("expires_in", json!("7200")).unwrap().access_ttl, DEFAULT_LIFE);
        let odd = [json!(0), json!(-1), json!(1e18), json!(10_u64.pow(18)), json!(7200.5), json!(7200.0)];
        let texts = ["", "0", "-1", "+7200", "7200.0", "1e3", "seven", " 7200", "99999999999999999999999"];
        let others = [json!(null), json!(true), json!([7200]), json!({})];
        for value in odd.into_iter().chain(texts.map(Value::from)).chain(others) {
            assert!(with("expires_in", value.clone()).is_none(), "{value}");
            let refresh = with("refresh_token_expires_in", value.clone()).unwrap().refresh.unwrap();
            assert_eq!(refresh.ttl, None, "{value}");
        }
    }

    #[test]
    fn a43_a44_tokens_that_do_not_fit_a_header_are_refused() {
        let long = "x".repeat(MAX_TOKEN_BYTES);
        assert!(with("access_token", json!(long)).is_some());
        let too_long = ["x".repeat(MAX_TOKEN_BYTES + 1), "x".repeat(64 * 1024)];
        let odd = ["", " ", "a b", "a\r\nX: y", "a\rb", "a\nb", "a\0b", "a\tb", "tökén", "a\u{7f}"].map(str::to_owned);
        for token in odd.into_iter().chain(too_long) {
            assert!(with("access_token", json!(token)).is_none(), "{token:?}");
            assert_eq!(with("refresh_token", json!(token)).is_some(), token.is_empty(), "{token:?}");
        }
        assert!(without("access_token").is_none());
        assert!(with("access_token", json!(1)).is_none());
    }

    #[test]
    fn a45_only_bearer_tokens_are_taken() {
        assert!(with("token_type", json!("bearer")).is_some());
        assert!(without("token_type").is_none());
        for odd in [json!("DPoP"), json!("mac"), json!(""), json!("Bearer "), json!(null), json!(1)] {
            assert!(with("token_type", odd.clone()).is_none(), "{odd}");
        }
    }
}
