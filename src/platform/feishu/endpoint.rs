//! The call that gives the address of a long connection.
//!
//! Every connection needs a fresh address. What the platform answers decides how soon to try again: what is known to pass
//! by itself is retried, everything else is taken for a setting that somebody has to change. Reasons are our own words and
//! a number; nothing that came over the wire is repeated in them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::domain::ids::AppId;
use crate::domain::secret::Secret;
use crate::platform::dial::{Unfit, retry};
use crate::platform::feishu::address::Address;
use crate::platform::feishu::timing::{ClientConfig, Timing};
use crate::stream::contract::Refused;

/// The whole call may take this long.
const TIMEOUT: Duration = Duration::from_secs(15);
/// No answer is longer.
const MAX_BODY_BYTES: usize = 64 << 10;
/// The longest pause taken from the platform.
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// Where and as whom to ask.
pub struct Endpoint {
    /// The platform's base address.
    pub base: Url,
    /// The app.
    pub app: AppId,
    /// The app's secret.
    pub secret: Secret,
    /// A client that follows no redirects.
    pub http: reqwest::Client,
}

#[derive(Deserialize)]
struct Answer {
    code: i64,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "URL", default)]
    url: Option<String>,
    #[serde(rename = "ClientConfig", default)]
    config: Option<Value>,
}

impl Endpoint {
    /// Asks for an address.
    pub async fn ask(&self) -> Result<(Address, Timing), Refused> {
        let exchange = tokio::time::timeout(TIMEOUT, self.exchange());
        let body = exchange.await.map_err(|_| retry("the endpoint did not answer in time"))??;
        read(&body, &self.base)
    }

    async fn exchange(&self) -> Result<Vec<u8>, Refused> {
        let url = self.base.join("/callback/ws/endpoint").map_err(|_| misconfigured("the base address is unusable"))?;
        let body = json!({ "AppID": self.app.as_str(), "AppSecret": self.secret.expose() });
        let request = self.http.post(url).header("locale", "zh").json(&body).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| retry(unreachable(&error)))?;
        if !response.status().is_success() {
            return Err(Refused::Retry { after: pause(&response), reason: status(response.status().as_u16()) });
        }
        read_body(response).await
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, Refused> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| retry("the endpoint's answer broke off"))? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(retry("the endpoint's answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn read(body: &[u8], base: &Url) -> Result<(Address, Timing), Refused> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| retry("the endpoint's answer cannot be read"))?;
    refusal(answer.code)?;
    let data = answer.data.ok_or_else(|| retry("the endpoint gave no address"))?;
    let address = Address::check(data.url.as_deref().unwrap_or_default(), base).map_err(unfit)?;
    let mut timing = Timing::default();
    if let Some(config) = data.config.and_then(|config| serde_json::from_value::<ClientConfig>(config).ok()) {
        timing.apply(&config);
    }
    Ok((address, timing))
}

/// The codes of the endpoint and of the handshake.
pub fn refusal(code: i64) -> Result<(), Refused> {
    Err(match code {
        0 => return Ok(()),
        1 | 1_000_040_343 => retry(format!("the platform is busy (code {code})")),
        1_000_040_350 => retry(format!("the app has too many connections (code {code})")),
        403 => misconfigured(format!("the platform forbids the app a long connection (code {code})")),
        514 | 1_000_040_344 | 1_000_040_345 => misconfigured(format!(
            "app id or secret is wrong, or the app is not published with long connection enabled (code {code})"
        )),
        _ => misconfigured(format!("the platform refuses the app a long connection (code {code})")),
    })
}

fn misconfigured(reason: impl Into<String>) -> Refused {
    Refused::Misconfigured { reason: reason.into() }
}

fn unfit(unfit: Unfit) -> Refused {
    match unfit {
        Unfit::Empty => retry("the endpoint gave no address"),
        unfit => misconfigured(format!("the endpoint gave an address that must not be used: {unfit}")),
    }
}

fn status(status: u16) -> String {
    format!("the endpoint answered with HTTP status {status}")
}

fn unreachable(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the endpoint did not answer in time"
    } else if error.is_connect() {
        "the endpoint cannot be reached"
    } else {
        "the call to the endpoint failed"
    }
}

fn pause(response: &reqwest::Response) -> Option<Duration> {
    let seconds = ["x-ogw-ratelimit-reset", "retry-after"].into_iter().find_map(|name| response.headers().get(name))?;
    let seconds = seconds.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}
