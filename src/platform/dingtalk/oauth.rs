//! User tokens: the authorize URL, and the calls that spend a code or a refresh token and ask whose a token is.
//!
//! The platform has no PKCE, no device authorization and no interface that ends a token: the person takes back their consent
//! in their own settings, and a token that nobody keeps dies by its age.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::api::{Api, REFRESH_TIME, TOKEN_TIME};
use super::config::{DingTalkConfig, OrgLogin};
use super::errors::Spends;
use super::identity;
use super::token_answer::token_answer;
use crate::domain::auth_session::DeviceFlow;
use crate::domain::clock::Timestamp;
use crate::domain::scopes::{REFRESH_SCOPE, ScopeSet};
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::failpoint;
use crate::platform::client::below;
use crate::platform::{AuthorizeRequest, CodeExchange, DevicePoll, OAuth, PlatformCode, PlatformError};

/// Without the first nobody is named, without the second no organisation.
const BASIC_SCOPES: [&str; 2] = ["openid", "corpid"];

/// User tokens of one app.
pub(super) struct DingTalkOAuth {
    pub(super) api: Arc<Api>,
    pub(super) config: Arc<DingTalkConfig>,
}

impl DingTalkOAuth {
    async fn spend(&self, mut body: Value, spends: Spends, time: Duration) -> Result<TokenAnswer, PlatformError> {
        body["clientId"] = self.config.app_id.as_str().into();
        body["clientSecret"] = self.config.app_secret.expose().into();
        let request = self.api.http.post(self.api.address(&["v1.0", "oauth2", "userAccessToken"])).json(&body);
        let object = self.api.spend(request, spends, time).await.map_err(|failure| failure.error)?;
        failpoint::reach("c7");
        token_answer(&object)
    }

    /// Which organisation a person consents for.
    fn name_organisation(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        if self.config.org_login == OrgLogin::Managed {
            query.append_pair("org_type", "management");
        }
        let Some(corp) = &self.config.corp else { return };
        query.append_pair("corpId", corp.as_str());
        if self.config.org_login == OrgLogin::Exclusive {
            query.append_pair("exclusiveLogin", "true").append_pair("exclusiveCorpId", corp.as_str());
        }
    }
}

/// What is asked for, beside who and of which organisation it is. A refresh token comes without being asked for.
fn scope(scopes: &ScopeSet) -> String {
    let others = scopes.iter().filter(|name| !BASIC_SCOPES.contains(name) && *name != REFRESH_SCOPE);
    BASIC_SCOPES.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl OAuth for DingTalkOAuth {
    fn is_issuer(&self, issuer: &str) -> bool {
        issuer.trim_end_matches('/') == self.config.login_base.as_str().trim_end_matches('/')
    }

    /// The first is what the platform's documents say; the second came beside it at times.
    fn code_names(&self) -> &'static [&'static str] {
        &["authCode", "code"]
    }

    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Secret {
        let mut url = below(&self.config.login_base, &["oauth2", "auth"]);
        url.query_pairs_mut()
            .append_pair("client_id", self.config.app_id.as_str())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &scope(request.scopes))
            .append_pair("state", request.state.expose())
            .append_pair("prompt", "consent");
        self.name_organisation(&mut url);
        // The platform's documents write a blank so.
        Secret::new(url.as_str().replace('+', "%20"))
    }

    async fn exchange(&self, request: CodeExchange<'_>) -> Result<TokenAnswer, PlatformError> {
        let body = json!({"grantType": "authorization_code", "code": request.code.expose()});
        self.spend(body, Spends::Code, TOKEN_TIME).await
    }

    async fn refresh(&self, token: &Secret) -> Result<TokenAnswer, PlatformError> {
        let body = json!({"grantType": "refresh_token", "refreshToken": token.expose()});
        self.spend(body, Spends::RefreshToken, REFRESH_TIME).await
    }

    async fn identity(&self, access: &Secret) -> Result<Identity, PlatformError> {
        identity::identity(&self.api, access).await
    }

    async fn revoke(&self, _: &Secret) -> Result<(), PlatformError> {
        Err(PlatformError::Rejected { code: PlatformCode::clean("no-revocation") })
    }

    async fn device_start(&self, _: &ScopeSet, _: Timestamp) -> Option<Result<(DeviceFlow, Timestamp), PlatformError>> {
        None
    }

    async fn device_poll(&self, _: &Secret) -> Result<DevicePoll, PlatformError> {
        Ok(DevicePoll::Gone)
    }
}
