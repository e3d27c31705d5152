//! Why the token endpoint says no: one table of codes, OAuth error names and HTTP statuses.

use axum::http::StatusCode;
use serde_json::json;

use crate::feishu::errors::Refusal;

/// A refusal of the token endpoint. (20050 and 20072, the platform's own failures, come from scripted faults only.)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// 20001.
    #[error("the request is missing a required parameter: {0}")]
    Missing(&'static str),
    /// 20063.
    #[error("the request holds a malformed or doubled parameter: {0}")]
    Malformed(String),
    /// 20002.
    #[error("the client secret is invalid")]
    WrongSecret,
    /// 20003.
    #[error("the authorization code is not found")]
    CodeNotFound,
    /// 20004.
    #[error("the authorization code has expired")]
    CodeExpired,
    /// 20065.
    #[error("the authorization code has been used")]
    CodeUsed,
    /// 20008.
    #[error("the user does not exist")]
    NoSuchUser,
    /// 20009.
    #[error("the app is not installed in the tenant")]
    NotInstalled,
    /// 20048.
    #[error("the app does not exist")]
    NoSuchApp,
    /// 20069.
    #[error("the app is not enabled")]
    NotEnabled,
    /// 20010.
    #[error("the user has no permission to use the app")]
    NotAvailable,
    /// 20024.
    #[error("the code or refresh token was issued to another app")]
    OtherApp,
    /// 20026.
    #[error("the refresh token is invalid")]
    RefreshInvalid,
    /// 20036.
    #[error("the grant_type is not supported: {0}")]
    UnsupportedGrantType(String),
    /// 20037.
    #[error("the refresh token has expired")]
    RefreshExpired,
    /// 20049.
    #[error("PKCE verification failed")]
    Pkce,
    /// 20064.
    #[error("the refresh token has been revoked")]
    RefreshRevoked,
    /// 20066.
    #[error("the state of the user is invalid")]
    UserState,
    /// 20067.
    #[error("the scope is repeated: {0}")]
    ScopeRepeated(String),
    /// 20068.
    #[error("the scope goes beyond what was granted: {0}")]
    ScopeBeyond(String),
    /// 20070.
    #[error("two ways of client authentication in one request")]
    TwoAuthentications,
    /// 20071.
    #[error("the redirect_uri differs from the one of the authorization")]
    RedirectDiffers,
    /// 20073.
    #[error("the refresh token has been used")]
    RefreshUsed,
    /// 20074.
    #[error("the app may not refresh user access tokens")]
    RefreshOff,
    /// Device flow: nobody has decided yet.
    #[error("the user has not decided yet")]
    Pending,
    /// Device flow: polled too fast.
    #[error("polled too fast")]
    SlowDown,
    /// Device flow: denied.
    #[error("the user denied the request")]
    Denied,
    /// Device flow: too late.
    #[error("the device code has expired")]
    DeviceExpired,
    /// Device flow: no such code, or its tokens are fetched.
    #[error("the device code is invalid")]
    DeviceInvalid,
}

impl Problem {
    /// The platform's code, absent for the errors of the device flow, and the OAuth error name.
    const fn facts(&self) -> (Option<i64>, &'static str) {
        match self {
            Self::Missing(_) => (Some(20001), "invalid_request"),
            Self::Malformed(_) => (Some(20063), "invalid_request"),
            Self::WrongSecret => (Some(20002), "invalid_client"),
            Self::CodeNotFound => (Some(20003), "invalid_grant"),
            Self::CodeExpired => (Some(20004), "invalid_grant"),
            Self::CodeUsed => (Some(20065), "invalid_grant"),
            Self::NoSuchUser => (Some(20008), "invalid_grant"),
            Self::NotInstalled => (Some(20009), "unauthorized_client"),
            Self::NoSuchApp => (Some(20048), "invalid_client"),
            Self::NotEnabled => (Some(20069), "unauthorized_client"),
            Self::NotAvailable => (Some(20010), "access_denied"),
            Self::OtherApp => (Some(20024), "invalid_grant"),
            Self::RefreshInvalid => (Some(20026), "invalid_grant"),
            Self::UnsupportedGrantType(_) => (Some(20036), "unsupported_grant_type"),
            Self::RefreshExpired => (Some(20037), "invalid_grant"),
            Self::Pkce => (Some(20049), "invalid_grant"),
            Self::RefreshRevoked => (Some(20064), "invalid_grant"),
            Self::UserState => (Some(20066), "invalid_grant"),
            Self::ScopeRepeated(_) => (Some(20067), "invalid_scope"),
            Self::ScopeBeyond(_) => (Some(20068), "invalid_scope"),
            Self::TwoAuthentications => (Some(20070), "invalid_request"),
            Self::RedirectDiffers => (Some(20071), "invalid_grant"),
            Self::RefreshUsed => (Some(20073), "invalid_grant"),
            Self::RefreshOff => (Some(20074), "unauthorized_client"),
            Self::Pending => (None, "authorization_pending"),
            Self::SlowDown => (None, "slow_down"),
            Self::Denied => (None, "access_denied"),
            Self::DeviceExpired => (None, "expired_token"),
            Self::DeviceInvalid => (None, "invalid_grant"),
        }
    }

    /// The answer: HTTP 400 with `code`, `error` and `error_description`.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let (code, error) = self.facts();
        let mut body = json!({"error": error, "error_description": self.to_string()});
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        Refusal::body(StatusCode::BAD_REQUEST, body)
    }
}
