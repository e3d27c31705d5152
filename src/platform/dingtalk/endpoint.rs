//! The call that opens a stream: it gives an address and a ticket, good for 90 seconds and for one connection.
//!
//! What the platform answers decides how soon to try again: what is known to pass by itself is retried, everything else is
//! taken for a setting that somebody has to change. Reasons are our own words and a status; nothing that came over the wire
//! is repeated in them. The secret is in the body, in clear: a body is never shown.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::domain::ids::AppId;
use crate::domain::secret::Secret;
use crate::platform::client::{Answer, Limits, NoAnswer, call};
use crate::platform::dial::{Target, Unfit, retry};
use crate::stream::contract::Refused;

/// The whole call may take this long.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The domains whose subdomains serve streams.
const DOMAINS: &[&str] = &[".dingtalk.com", ".dingtalk.io"];
/// The longest ticket taken, in bytes.
const MAX_TICKET_BYTES: usize = 512;
/// The pause where the platform refuses for the rate: it counts in seconds and in minutes.
const RATE_PAUSE: Duration = Duration::from_mins(1);

/// What is subscribed to: every event, robot messages, taps.
const SUBSCRIPTIONS: &[(&str, &str)] =
    &[("EVENT", "*"), ("CALLBACK", "/v1.0/im/bot/messages/get"), ("CALLBACK", "/v1.0/card/instances/callback")];

/// Where and as whom to ask.
pub struct Endpoint {
    /// The open API's base address.
    pub base: Url,
    /// The app: its `clientId`.
    pub app: AppId,
    /// The app's secret.
    pub secret: Secret,
    /// A client that follows no redirects.
    pub http: reqwest::Client,
}

#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    ticket: String,
}

impl Endpoint {
    /// Asks for the address of one connection.
    pub async fn ask(&self) -> Result<Target, Refused> {
        let url = self.base.join("/v1.0/gateway/connections/open");
        let url = url.map_err(|_| misconfigured("the base address is unusable"))?;
        let request = self.http.post(url).header("accept", "application/json").json(&self.body());
        read(&call(request, Limits::within(TIMEOUT)).await.map_err(unanswered)?, &self.base)
    }

    fn body(&self) -> Value {
        let subscriptions: Vec<_> =
            SUBSCRIPTIONS.iter().map(|(kind, topic)| json!({ "type": kind, "topic": topic })).collect();
        json!({
            "clientId": self.app.as_str(),
            "clientSecret": self.secret.expose(),
            "subscriptions": subscriptions,
            "ua": concat!("cardkey/", env!("CARGO_PKG_VERSION")),
        })
    }
}

fn read(answer: &Answer, base: &Url) -> Result<Target, Refused> {
    if !answer.status.is_success() {
        return Err(refusal(answer.status.as_u16(), &answer.body));
    }
    let opened: Opened =
        serde_json::from_slice(&answer.body).map_err(|_| retry("the endpoint's answer cannot be read"))?;
    let fits = (1..=MAX_TICKET_BYTES).contains(&opened.ticket.len())
        && opened.ticket.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Err(retry("the endpoint gave no usable ticket"));
    }
    Ok(Target::check(&opened.endpoint, base, DOMAINS).map_err(unfit)?.with("ticket", &opened.ticket))
}

/// Throttling is a 403 here, as are things that somebody has to change: the name in the body tells them apart.
pub(super) fn refusal(status: u16, body: &[u8]) -> Refused {
    let name = serde_json::from_slice::<Value>(body).ok();
    let name = name.as_ref().and_then(|body| body["code"].as_str()).unwrap_or_default();
    match status {
        403 if name.contains("Qps") || name.contains("Qpm") => {
            Refused::Retry { after: Some(RATE_PAUSE), reason: "the platform limits our rate".to_owned() }
        }
        400 | 401 | 403 => misconfigured(format!(
            "app id or secret is wrong, or the app may not use the stream (HTTP status {status} at the endpoint)"
        )),
        _ => retry(format!("the endpoint answered with HTTP status {status}")),
    }
}

fn unanswered(how: NoAnswer) -> Refused {
    retry(match how {
        NoAnswer::NotSent => "the endpoint cannot be reached",
        NoAnswer::Unclear => "the call to the endpoint failed",
    })
}

fn unfit(unfit: Unfit) -> Refused {
    match unfit {
        Unfit::Empty => retry("the endpoint gave no address"),
        unfit => misconfigured(format!("the endpoint gave an address that must not be used: {unfit}")),
    }
}

fn misconfigured(reason: impl Into<String>) -> Refused {
    Refused::Misconfigured { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn asked(status: u16, body: &str) -> Result<String, Refused> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() };
        let base = Url::parse("https://api.dingtalk.com").unwrap();
        read(&answer, &base).map(|target| target.expose().to_owned())
    }

    fn is_for_people(body: &str, status: u16) -> bool {
        matches!(asked(status, body), Err(Refused::Misconfigured { .. }))
    }

    #[test]
    fn an_address_and_its_ticket_become_one() {
        let body = r#"{"endpoint":"wss://wss-open-connection.dingtalk.com:443/connect","ticket":"a+b&c"}"#;
        let expected = "wss://wss-open-connection.dingtalk.com/connect?ticket=a%2Bb%26c";
        assert_eq!(asked(200, body).unwrap(), expected);
    }

    #[test]
    fn tells_what_passes_by_itself_from_what_somebody_must_change() {
        let limited = r#"{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}"#;
        for (status, body, people) in [
            (401, r#"{"code":"authFailed","requestid":"x","message":"鉴权失败"}"#, true),
            (400, "{}", true),
            (403, r#"{"code":"Forbidden.AccessDenied.IpNotInWhiteList"}"#, true),
            (403, limited, false),
            (503, "<html>", false),
            (504, "", false),
            (200, "<xml>", false),
            (200, "{}", false),
            (200, r#"{"endpoint":"","ticket":"t"}"#, false),
            (200, r#"{"endpoint":"wss://a.dingtalk.com/connect","ticket":""}"#, false),
            (200, r#"{"endpoint":"wss://a.dingtalk.com/connect","ticket":"a b"}"#, false),
            (200, r#"{"endpoint":"wss://evil.com/connect","ticket":"t"}"#, true),
            (200, r#"{"endpoint":"ws://a.dingtalk.com/connect","ticket":"t"}"#, true),
        ] {
            assert_eq!(is_for_people(body, status), people, "{status} {body}");
            assert!(asked(status, body).is_err(), "{status} {body}");
        }
        let paused = asked(403, limited).unwrap_err();
        assert!(matches!(paused, Refused::Retry { after: Some(RATE_PAUSE), .. }), "{paused:?}");
    }
}
