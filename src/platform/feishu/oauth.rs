//! User tokens: the authorize URL, and the calls that spend a code or a refresh token, ask whose a token is, and end it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::api::Api;
use super::config::{FeishuConfig, OAuthVersion};
use super::errors::Meaning;
use super::reply::read;
use super::token_answer::token_answer;
use super::{device, identity};
use crate::domain::auth_session::DeviceFlow;
use crate::domain::clock::Timestamp;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::failpoint;
use crate::platform::effect::Effect;
use crate::platform::{AuthorizeRequest, CodeExchange, DevicePoll, OAuth, PlatformError};

/// The scope without which no refresh token comes.
const OFFLINE_ACCESS: &str = "offline_access";

/// The platform's number for a code or refresh token of another app.
const ANOTHER_APPS: i64 = 20_024;

/// User tokens of one app.
pub(super) struct FeishuOAuth {
    pub(super) api: Arc<Api>,
    pub(super) config: Arc<FeishuConfig>,
}

impl FeishuOAuth {
    pub(super) const fn new(api: Arc<Api>, config: Arc<FeishuConfig>) -> Self {
        Self { api, config }
    }

    /// A request to the token endpoint, authenticated by form fields only: two ways at once are refused.
    pub(super) fn token_request(&self, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let url = match self.config.oauth_version {
            OAuthVersion::V3 => self.api.accounts(&["oauth", "v3", "token"]),
            OAuthVersion::V2 => self.api.open(&["open-apis", "authen", "v2", "oauth", "token"]),
        };
        self.api.http.post(url).form(&self.with_client(fields))
    }

    fn with_client<'a>(&'a self, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let client = [("client_id", self.config.app_id.as_str()), ("client_secret", self.config.app_secret.expose())];
        fields.iter().copied().chain(client).collect()
    }

    async fn spend(&self, fields: &[(&str, &str)], time: Duration) -> Result<TokenAnswer, PlatformError> {
        let object = self.api.spend(self.token_request(fields), time).await.map_err(|failure| failure.error)?;
        failpoint::reach("c7");
        token_answer(&object)
    }
}

/// What is asked for, with what makes a refresh token come.
pub(super) fn with_offline_access(scopes: &ScopeSet) -> String {
    scopes.union(&ScopeSet::from_list(OFFLINE_ACCESS)).to_string()
}

#[async_trait]
impl OAuth for FeishuOAuth {
    fn is_issuer(&self, issuer: &str) -> bool {
        let issuer = issuer.trim_end_matches('/');
        [&self.config.accounts_base, &self.config.open_base]
            .iter()
            .any(|base| base.as_str().trim_end_matches('/') == issuer)
    }

    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Secret {
        let mut url = self.api.accounts(&["open-apis", "authen", "v1", "authorize"]);
        url.query_pairs_mut()
            .append_pair("client_id", self.config.app_id.as_str())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &with_offline_access(request.scopes))
            .append_pair("state", request.state.expose())
            .append_pair("code_challenge", request.challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("prompt", "consent");
        Secret::new(url.into())
    }

    async fn exchange(&self, request: CodeExchange<'_>) -> Result<TokenAnswer, PlatformError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", request.code.expose()),
            ("redirect_uri", request.redirect_uri),
            ("code_verifier", request.verifier.expose()),
        ];
        match self.spend(&fields, self.api.times.token).await {
            // Whoever brings a code brings any code: another app's is that person's mistake, not our owner's.
            Err(PlatformError::Misconfigured { code }) if code == ANOTHER_APPS.into() => {
                Err(PlatformError::Rejected { code })
            }
            other => other,
        }
    }

    async fn refresh(&self, token: &Secret) -> Result<TokenAnswer, PlatformError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.expose())];
        self.spend(&fields, self.api.times.refresh).await
    }

    async fn identity(&self, access: &Secret) -> Result<Identity, PlatformError> {
        identity::identity(&self.api, access).await
    }

    /// A token that is not valid any more counts as ended (RFC 7009 §2.2).
    async fn revoke(&self, token: &Secret) -> Result<(), PlatformError> {
        let url = self.api.accounts(&["oauth", "v1", "revoke"]);
        let request = self.api.http.post(url).form(&self.with_client(&[("token", token.expose())]));
        let answer = self.api.answer(request, Effect::Harmless).await.map_err(|failure| failure.error)?;
        if answer.status.is_success() && answer.body.trim_ascii().is_empty() {
            return Ok(());
        }
        match read(&answer, Effect::Harmless) {
            Err(failure) if failure.meaning != Some(Meaning::Revoked) => Err(failure.error),
            _ => Ok(()),
        }
    }

    async fn device_start(
        &self,
        scopes: &ScopeSet,
        now: Timestamp,
    ) -> Option<Result<(DeviceFlow, Timestamp), PlatformError>> {
        Some(device::start(self, scopes, now).await)
    }

    async fn device_poll(&self, device_code: &Secret) -> Result<DevicePoll, PlatformError> {
        device::poll(self, device_code).await
    }
}
