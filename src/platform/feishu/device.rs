//! Device authorization (RFC 8628), for gateways that no browser can reach. The platform has no public page on it; this
//! follows what its own command-line tool does.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::errors::Meaning;
use super::oauth::{FeishuOAuth, with_offline_access};
use super::reply::Failure;
use super::token_answer::token_answer;
use crate::domain::auth_session::DeviceFlow;
use crate::domain::clock::Timestamp;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::platform::effect::Effect;
use crate::platform::{DevicePoll, PlatformError};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The code of a person whom the app is not open to.
const NOT_AVAILABLE: i64 = 20010;
const DEFAULT_LIFE_SECS: u64 = 240;
const LONGEST_LIFE_SECS: u64 = 3600;
const DEFAULT_INTERVAL_SECS: u32 = 5;
const LONGEST_INTERVAL_SECS: u32 = 60;
const MAX_DEVICE_CODE_BYTES: usize = 4096;
const MAX_USER_CODE_BYTES: usize = 64;
const MAX_URI_BYTES: usize = 2048;

/// Starts one. Starting another instead of one whose answer was lost does no harm.
pub(super) async fn start(
    oauth: &FeishuOAuth,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Result<(DeviceFlow, Timestamp), PlatformError> {
    let (app, secret) = (oauth.config.app_id.as_str(), oauth.config.app_secret.expose());
    let url = oauth.api.accounts(&["oauth", "v1", "device_authorization"]);
    let form = [("client_id", app), ("scope", &with_offline_access(scopes))];
    let request = oauth.api.http.post(url).basic_auth(app, Some(secret)).form(&form);
    let object = oauth.api.ask(request, Effect::Harmless).await.map_err(|failure| failure.error)?;
    let may_be_http = oauth.config.accounts_base.scheme() == "http";
    flow(&object, now, may_be_http).ok_or(PlatformError::Unavailable)
}

/// Asks whether the person has decided.
pub(super) async fn poll(oauth: &FeishuOAuth, device_code: &Secret) -> Result<DevicePoll, PlatformError> {
    let request = oauth.token_request(&[("grant_type", GRANT_TYPE), ("device_code", device_code.expose())]);
    match oauth.api.spend(request, oauth.api.times.token).await {
        Ok(object) => token_answer(&object).map(|answer| DevicePoll::Granted(Box::new(answer))),
        Err(failure) => outcome(&failure).ok_or(failure.error),
    }
}

/// The refusals of RFC 8628 §3.5 that are no failures of the call. A code that says more than the name goes first: the
/// app may be at fault, or the person kept from using it, under the same two names.
fn outcome(failure: &Failure) -> Option<DevicePoll> {
    let plain = matches!(failure.meaning, None | Some(Meaning::Rejected)) && failure.code != Some(NOT_AVAILABLE);
    match failure.name.as_deref()? {
        "authorization_pending" => Some(DevicePoll::Pending),
        "slow_down" => Some(DevicePoll::SlowDown),
        "access_denied" if plain => Some(DevicePoll::Denied),
        "expired_token" | "invalid_grant" if plain => Some(DevicePoll::Gone),
        _ => None,
    }
}

fn flow(object: &Map<String, Value>, now: Timestamp, may_be_http: bool) -> Option<(DeviceFlow, Timestamp)> {
    let device_code = printable(object, "device_code", MAX_DEVICE_CODE_BYTES)?;
    let user_code = printable(object, "user_code", MAX_USER_CODE_BYTES)?;
    let verification_uri = verification_uri(object, user_code, may_be_http)?;
    let life = object.get("expires_in").map_or(Some(DEFAULT_LIFE_SECS), whole)?.clamp(1, LONGEST_LIFE_SECS);
    let interval = object.get("interval").and_then(whole).unwrap_or(0);
    let interval_secs = match u32::try_from(interval).unwrap_or(LONGEST_INTERVAL_SECS) {
        0 => DEFAULT_INTERVAL_SECS,
        secs => secs.min(LONGEST_INTERVAL_SECS),
    };
    let flow = DeviceFlow {
        device_code: Secret::new(device_code.to_owned()),
        user_code: user_code.to_owned(),
        verification_uri,
        interval_secs,
        next_poll_at: now.plus(Duration::from_secs(u64::from(interval_secs))),
    };
    Some((flow, now.plus(Duration::from_secs(life))))
}

/// The page with the user code in it: given as such, or the plain one with the code added.
fn verification_uri(object: &Map<String, Value>, user_code: &str, may_be_http: bool) -> Option<Secret> {
    let complete = object.get("verification_uri_complete").and_then(Value::as_str).filter(|text| !text.is_empty());
    let given = complete.or_else(|| object.get("verification_uri").and_then(Value::as_str))?;
    let mut url = Url::parse(given).ok()?;
    let scheme_fits = url.scheme() == "https" || (may_be_http && url.scheme() == "http");
    if !scheme_fits || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if complete.is_none() {
        url.query_pairs_mut().append_pair("user_code", user_code);
    }
    (url.as_str().len() <= MAX_URI_BYTES).then(|| Secret::new(url.into()))
}

fn printable<'a>(object: &'a Map<String, Value>, key: &str, max: usize) -> Option<&'a str> {
    let text = object.get(key)?.as_str()?;
    ((1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(changes: &Value) -> Option<(DeviceFlow, Timestamp)> {
        let mut object = json!({
            "device_code": "d-1", "user_code": "ABCD-1234", "verification_uri": "https://p/v",
            "verification_uri_complete": "https://p/v?user_code=ABCD-1234", "expires_in": 240, "interval": 5
        });
        for (key, value) in changes.as_object().unwrap() {
            object[key] = value.clone();
        }
        flow(object.as_object().unwrap(), Timestamp::from_secs(1000), false)
    }

    #[test]
    fn a_flow_is_read_whole() {
        let (flow, until) = read(&json!({})).unwrap();
        assert!(flow.device_code.matches("d-1"));
        assert_eq!((flow.user_code.as_str(), flow.interval_secs), ("ABCD-1234", 5));
        assert!(flow.verification_uri.matches("https://p/v?user_code=ABCD-1234"));
        assert_eq!((flow.next_poll_at.as_secs(), until.as_secs()), (1005, 1240));
    }

    #[test]
    fn what_is_missing_is_filled_in_and_what_is_wild_is_bounded() {
        assert_eq!(read(&json!({"interval": 0})).unwrap().0.interval_secs, 5);
        assert_eq!(read(&json!({"interval": null})).unwrap().0.interval_secs, 5);
        assert_eq!(read(&json!({"interval": 10_u64.pow(12)})).unwrap().0.interval_secs, 60);
        assert_eq!(read(&json!({"expires_in": 10_u64.pow(12)})).unwrap().1.as_secs(), 1000 + 3600);
        let (flow, _) = read(&json!({"verification_uri_complete": ""})).unwrap();
        assert!(flow.verification_uri.matches("https://p/v?user_code=ABCD-1234"));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for changes in [
            json!({"device_code": ""}),
            json!({"device_code": 1}),
            json!({"device_code": "a b"}),
            json!({"user_code": "x".repeat(65)}),
            json!({"verification_uri_complete": "http://p/v"}),
            json!({"verification_uri_complete": "javascript:alert(1)"}),
            json!({"verification_uri_complete": "https://a@p/v"}),
            json!({"verification_uri_complete": format!("https://p/{}", "x".repeat(2048))}),
            json!({"expires_in": -1}),
        ] {
            assert!(read(&changes).is_none(), "{changes}");
        }
    }
}
