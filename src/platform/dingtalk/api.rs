//! One call to the platform: the address, the time it may take, and the reading of what comes back.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use url::Url;

use super::errors::Spends;
use super::reply::{Failure, read};
use crate::platform::client::{Limits, below, call};
use crate::platform::effect::Effect;

/// The header that a token goes into, as it is.
const TOKEN_HEADER: &str = "x-acs-dingtalk-access-token";

/// A call that spends a code: long, because an answer that is given up on is lost.
pub(super) const TOKEN_TIME: Duration = Duration::from_secs(20);

/// A call that spends a refresh token: as long as any setting allows, since whoever refreshes has a limit of its own.
pub(super) const REFRESH_TIME: Duration = Duration::from_hours(1);

/// Any other call.
const OTHER_TIME: Duration = Duration::from_secs(10);

/// Where the platform's open API is.
pub(super) struct Api {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
}

impl Api {
    /// An address. Segments are escaped, so that an id is never read as a path.
    pub(super) fn address(&self, segments: &[&str]) -> Url {
        below(&self.base, segments)
    }

    /// Sends a request with what it spends in its body, and waits so long for the answer.
    pub(super) async fn spend(
        &self,
        request: RequestBuilder,
        spends: Spends,
        time: Duration,
    ) -> Result<Map<String, Value>, Failure> {
        self.within(request, Effect::Acts, spends, time).await
    }

    /// Sends a request with a token in its header.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        (token, spends): (&str, Spends),
        effect: Effect,
    ) -> Result<Map<String, Value>, Failure> {
        self.within(request.header(TOKEN_HEADER, token), effect, spends, OTHER_TIME).await
    }

    /// Sends a request with the app's secret in its body, that can be repeated.
    pub(super) async fn ask_for_token(&self, request: RequestBuilder) -> Result<Map<String, Value>, Failure> {
        self.within(request, Effect::Harmless, Spends::AppToken, OTHER_TIME).await
    }

    async fn within(
        &self,
        request: RequestBuilder,
        effect: Effect,
        spends: Spends,
        time: Duration,
    ) -> Result<Map<String, Value>, Failure> {
        let request = request.header("accept", "application/json");
        let answer = call(request, Limits::within(time)).await.map_err(|how| effect.unanswered(how))?;
        read(&answer, effect, spends)
    }
}
