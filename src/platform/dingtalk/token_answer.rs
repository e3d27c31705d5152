//! Checks what the token endpoint hands out, before any of it is kept or put into a header.
//!
//! A pair that fails the checks is [`PlatformError::Unclear`]: the code or refresh token that bought it is spent. Scopes are
//! not named: what was asked for was granted. Whose a token is has to be asked; of which organisation is said here only.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::domain::ids::TenantKey;
use crate::domain::scopes::ScopeSet;
use crate::domain::token::{RefreshToken, TokenAnswer};
use crate::platform::PlatformError;
use crate::platform::answer_fields::{life, text, token};

/// The life of an access token where the platform does not say.
const DEFAULT_LIFE: Duration = Duration::from_hours(2);

/// The life of a refresh token, which the platform never says but in its documents.
const REFRESH_LIFE: Duration = Duration::from_hours(30 * 24);

/// Reads the pair out of a successful answer.
pub(super) fn token_answer(object: &Map<String, Value>) -> Result<TokenAnswer, PlatformError> {
    let access_ttl = match object.get("expireIn") {
        None => DEFAULT_LIFE,
        Some(value) => life(value).ok_or(PlatformError::Unclear)?,
    };
    let tenant = text(object, "corpId").map(TenantKey::parse).transpose().map_err(|_| PlatformError::Unclear)?;
    Ok(TokenAnswer {
        access: token(object.get("accessToken")).ok_or(PlatformError::Unclear)?,
        access_ttl,
        refresh: refresh(object)?,
        scopes: ScopeSet::default(),
        subject: None,
        tenant,
    })
}

/// The refresh token, if one came.
fn refresh(object: &Map<String, Value>) -> Result<Option<RefreshToken>, PlatformError> {
    match object.get("refreshToken").filter(|value| !value.is_null() && value.as_str() != Some("")) {
        None => Ok(None),
        given => {
            let token = token(given).ok_or(PlatformError::Unclear)?;
            Ok(Some(RefreshToken { token, ttl: Some(REFRESH_LIFE) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Map<String, Value> {
        let pair = json!({"accessToken": "at", "refreshToken": "rt", "expireIn": 7200, "corpId": "ding1"});
        pair.as_object().cloned().unwrap()
    }

    fn with(key: &str, value: Value) -> Result<TokenAnswer, PlatformError> {
        let mut object = good();
        object.insert(key.to_owned(), value);
        token_answer(&object)
    }

    fn without(key: &str) -> Result<TokenAnswer, PlatformError> {
        let mut object = good();
        object.remove(key);
        token_answer(&object)
    }

    #[test]
    fn a_good_pair_is_read_whole() {
        let answer = token_answer(&good()).unwrap();
        assert!(answer.access.matches("at"));
        assert_eq!(answer.access_ttl, Duration::from_hours(2));
        assert_eq!(answer.tenant.unwrap().as_str(), "ding1");
        assert!(answer.scopes.is_empty() && answer.subject.is_none());
        let refresh = answer.refresh.unwrap();
        assert!(refresh.token.matches("rt"));
        assert_eq!(refresh.ttl, Some(Duration::from_hours(720)));
    }

    #[test]
    fn what_may_be_missing_is_missing() {
        assert!(without("refreshToken").unwrap().refresh.is_none());
        assert!(with("refreshToken", json!("")).unwrap().refresh.is_none());
        assert!(without("corpId").unwrap().tenant.is_none());
        assert_eq!(without("expireIn").unwrap().access_ttl, DEFAULT_LIFE);
        // The name that other platforms have for it is not this one's.
        assert_eq!(with("expiresIn", json!(60)).unwrap().access_ttl, Duration::from_hours(2));
    }

    #[test]
    fn what_cannot_be_used_is_unclear() {
        for (key, value) in [
            ("accessToken", json!("")),
            ("accessToken", json!(1)),
            ("accessToken", json!("a\r\nb")),
            ("accessToken", json!("x".repeat(8 * 1024 + 1))),
            ("refreshToken", json!("a b")),
            ("refreshToken", json!(5)),
            ("expireIn", json!(0)),
            ("expireIn", json!("seven")),
            ("expireIn", json!(null)),
            ("corpId", json!("a b")),
        ] {
            assert_eq!(with(key, value.clone()).err(), Some(PlatformError::Unclear), "{key} {value}");
        }
        assert_eq!(without("accessToken").err(), Some(PlatformError::Unclear));
    }
}
