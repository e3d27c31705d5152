//! Calls to the platform: the time they may take, and the app's own token where one is demanded.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use url::Url;

use super::config::WeChatConfig;
use super::errors::Meaning;
use super::reply::{Failure, read};
use crate::domain::secret::Secret;
use crate::platform::app_token::AppToken;
use crate::platform::client::{Answer, Limits, call};
use crate::platform::effect::Effect;

/// How long a call may take: somebody looks at a screen meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// The platform, as one app calls it.
pub(super) struct Api {
    pub(super) http: reqwest::Client,
    pub(super) config: Arc<WeChatConfig>,
    pub(super) token: AppToken,
}

impl Api {
    /// Sends a request with the app's token in its address and reads the object that answers it. A token that is not taken is
    /// replaced once: nothing was done then.
    pub(super) async fn ask_as_app(
        &self,
        path: &str,
        request: impl Fn(Url) -> RequestBuilder + Send + Sync,
        effect: Effect,
    ) -> Result<Map<String, Value>, Failure> {
        let limits = Limits::within(PATIENCE);
        self.as_app(path, request, (effect, limits), |answer| read(answer, effect)).await
    }

    /// The same, with an answer that is read by `reading`.
    pub(super) async fn as_app<T>(
        &self,
        path: &str,
        request: impl Fn(Url) -> RequestBuilder + Send + Sync,
        (effect, limits): (Effect, Limits),
        reading: impl Fn(&Answer) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, Failure> {
        let mut renewed = false;
        loop {
            let token = self.token.get().await?;
            let asked = self.once(request(self.with_token(path, &token)), (effect, limits)).await;
            match asked.and_then(|answer| reading(&answer)) {
                Err(failure) if failure.meaning == Some(Meaning::StaleAppToken) && !renewed => {
                    renewed = true;
                    self.token.invalidate(&token).await;
                }
                read => return read,
            }
        }
    }

    fn with_token(&self, path: &str, token: &Secret) -> Url {
        let mut url = self.config.address(path);
        url.query_pairs_mut().append_pair("access_token", token.expose());
        url
    }

    async fn once(&self, request: RequestBuilder, (effect, limits): (Effect, Limits)) -> Result<Answer, Failure> {
        Ok(call(request, limits).await.map_err(|how| effect.unanswered(how))?)
    }
}

/// Sends a request and reads the object that answers it.
pub(super) async fn ask(request: RequestBuilder, effect: Effect) -> Result<Map<String, Value>, Failure> {
    let answer = call(request, Limits::within(PATIENCE)).await.map_err(|how| effect.unanswered(how))?;
    read(&answer, effect)
}

/// More room, for a picture.
pub(super) const fn limits_of_a_picture() -> Limits {
    Limits { total: PATIENCE, max_body: 1024 * 1024 }
}

/// Whether the answer calls itself an image.
pub(super) fn is_image(answer: &Answer) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("image/"))
}
