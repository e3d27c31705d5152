//! One call to the platform: the address, the time it may take, and the reading of what comes back.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use url::Url;

use super::config::FeishuConfig;
use super::reply::{Failure, read};
use crate::platform::client::{Answer, Limits, below, call};
use crate::platform::effect::Effect;

/// Where the platform is, and how long we wait for it.
pub(super) struct Api {
    pub(super) http: reqwest::Client,
    open_base: Url,
    accounts_base: Url,
    pub(super) times: Times,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// A call that spends a code: long, because an answer that is given up on is lost.
    pub(super) token: Duration,
    /// A call that spends a refresh token: as long as any setting allows, since whoever refreshes has a limit of its own.
    pub(super) refresh: Duration,
    /// Any other call.
    pub(super) other: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { token: Duration::from_secs(20), refresh: Duration::from_hours(1), other: Duration::from_secs(10) }
    }
}

impl Api {
    pub(super) fn new(http: reqwest::Client, config: &FeishuConfig) -> Self {
        let (open_base, accounts_base) = (config.open_base.clone(), config.accounts_base.clone());
        Self { http, open_base, accounts_base, times: Times::default() }
    }

    /// An address of the open platform. Segments are escaped, so that an id is never read as a path.
    pub(super) fn open(&self, segments: &[&str]) -> Url {
        below(&self.open_base, segments)
    }

    /// An address of the accounts service.
    pub(super) fn accounts(&self, segments: &[&str]) -> Url {
        below(&self.accounts_base, segments)
    }

    /// Sends a request and reads the object that answers it.
    pub(super) async fn ask(&self, request: RequestBuilder, effect: Effect) -> Result<Map<String, Value>, Failure> {
        read(&self.answer(request, effect).await?, effect)
    }

    /// Sends a request and gives the answer as it came.
    pub(super) async fn answer(&self, request: RequestBuilder, effect: Effect) -> Result<Answer, Failure> {
        self.answer_within(request, effect, self.times.other).await
    }

    /// Sends a request that spends something, and waits so long for the answer.
    pub(super) async fn spend(&self, request: RequestBuilder, time: Duration) -> Result<Map<String, Value>, Failure> {
        read(&self.answer_within(request, Effect::Acts, time).await?, Effect::Acts)
    }

    async fn answer_within(&self, request: RequestBuilder, effect: Effect, time: Duration) -> Result<Answer, Failure> {
        call(request, Limits::within(time)).await.map_err(|how| Failure::of(effect.unanswered(how)))
    }
}
