//! The contract that a platform fulfils. Each platform is one folder; a platform is a record of capabilities, so that
//! one without a stream says so by data. Nothing outside a platform's folder knows its name.

pub mod answer_fields;
pub mod app_call;
pub mod app_token;
pub mod button;
pub mod card_text;
pub mod card_words;
pub mod client;
pub mod dial;
pub mod dingtalk;
pub mod effect;
#[cfg(test)]
mod fake_server;
pub mod feishu;
mod identities;
pub mod pacing;
#[cfg(test)]
mod sandbox_bench;
mod webhook;
pub mod wechat;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::auth_session::DeviceFlow;
use crate::domain::card::{Card, CardRef};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, PlatformId, SubjectId};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::stream::contract::Protocol;

pub use identities::{BadCode, Identities, LoggedIn, LoginError, NotGenuine, Picture, Sealed, ShareCode, Signed};
pub use webhook::{Answer, Received, Unwelcome, Webhook};

pub use crate::domain::platform_code::PlatformCode;

/// What one app can do on its platform.
pub struct Platform {
    /// The platform's name, as it stands in paths.
    pub id: PlatformId,
    /// The app.
    pub app: AppId,
    /// The app's name to show to people.
    pub app_name: String,
    /// User tokens, if the platform has them.
    pub oauth: Option<Arc<dyn OAuth>>,
    /// Messages to people, if the platform has them.
    pub cards: Option<Arc<dyn Cards>>,
    /// Logins by a code, if the platform has them.
    pub identities: Option<Arc<dyn Identities>>,
    /// Pushed events, if the platform has a long connection.
    pub stream: Option<Arc<dyn Protocol>>,
    /// Pushed events, if the app takes them at our address.
    pub webhook: Option<Arc<dyn Webhook>>,
}

/// An app that people can be asked under: its platform has user tokens, and cards to ask with. The use cases that ask
/// and that hold grants know apps only so.
#[derive(Clone)]
pub struct Asking {
    /// The platform's name, as it stands in paths.
    pub id: PlatformId,
    /// The app.
    pub app: AppId,
    /// The app's name to show to people.
    pub app_name: String,
    /// User tokens.
    pub oauth: Arc<dyn OAuth>,
    /// Messages to people.
    pub cards: Arc<dyn Cards>,
}

impl Platform {
    /// What asking people needs, if the platform has all of it.
    #[must_use]
    pub fn asking(&self) -> Option<Asking> {
        Some(Asking {
            id: self.id.clone(),
            app: self.app.clone(),
            app_name: self.app_name.clone(),
            oauth: self.oauth.clone()?,
            cards: self.cards.clone()?,
        })
    }
}

/// What went wrong in a call to a platform, named by what the caller must do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Wait; nothing was done.
    #[error("the platform limits our rate")]
    RateLimited {
        /// For this long.
        after: Duration,
    },
    /// Try later; nothing was done.
    #[error("the platform cannot be reached or is out of order")]
    Unavailable,
    /// The person's authorization is gone: ask for a new one.
    #[error("the authorization is no longer valid (code {code})")]
    Revoked {
        /// What the platform calls it.
        code: PlatformCode,
    },
    /// The platform refuses this request; repeating it will not help.
    #[error("the platform refuses (code {code})")]
    Rejected {
        /// What the platform calls it.
        code: PlatformCode,
    },
    /// The app, not the person, is at fault: its owner has to act.
    #[error("the app is set up wrongly at the platform (code {code})")]
    Misconfigured {
        /// What the platform calls it.
        code: PlatformCode,
    },
    /// The request may have been acted on and no usable answer came.
    #[error("the platform may have acted, but gave no usable answer")]
    Unclear,
}

/// What the authorize URL is built from.
pub struct AuthorizeRequest<'a> {
    /// The registered redirect URI.
    pub redirect_uri: &'a str,
    /// 256 bits, single use.
    pub state: &'a Secret,
    /// The PKCE challenge, S256.
    pub challenge: &'a str,
    /// What is asked for; the platform adds what it needs for a refresh token.
    pub scopes: &'a ScopeSet,
}

/// What a code exchange is made of.
pub struct CodeExchange<'a> {
    /// The authorization code.
    pub code: &'a Secret,
    /// The PKCE verifier.
    pub verifier: &'a Secret,
    /// The redirect URI that the authorize URL had.
    pub redirect_uri: &'a str,
}

/// User tokens of one app.
#[async_trait]
pub trait OAuth: Send + Sync {
    /// Where to send the person's browser.
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Secret;

    /// Whether an `iss` parameter (RFC 9207) names this platform.
    fn is_issuer(&self, issuer: &str) -> bool;

    /// What the callback calls the code; the first that is there counts.
    fn code_names(&self) -> &'static [&'static str] {
        &["code"]
    }

    /// Spends a code.
    async fn exchange(&self, request: CodeExchange<'_>) -> Result<TokenAnswer, PlatformError>;

    /// Spends a refresh token.
    async fn refresh(&self, token: &Secret) -> Result<TokenAnswer, PlatformError>;

    /// Asks whose token it is.
    async fn identity(&self, access: &Secret) -> Result<Identity, PlatformError>;

    /// Ends a token at the platform; rejected where the platform has no way to.
    async fn revoke(&self, token: &Secret) -> Result<(), PlatformError>;

    /// Starts a device authorization (RFC 8628 §3.1); `None` if the platform has none. The second value says when it
    /// ends by itself.
    async fn device_start(
        &self,
        scopes: &ScopeSet,
        now: Timestamp,
    ) -> Option<Result<(DeviceFlow, Timestamp), PlatformError>>;

    /// Polls a device authorization (RFC 8628 §3.4).
    async fn device_poll(&self, device_code: &Secret) -> Result<DevicePoll, PlatformError>;
}

/// What a poll found.
#[derive(Debug)]
pub enum DevicePoll {
    /// Not yet.
    Pending,
    /// Not yet, and ask less often.
    SlowDown,
    /// The person refused.
    Denied,
    /// The device code is over, used or unknown.
    Gone,
    /// The tokens.
    Granted(Box<TokenAnswer>),
}

/// Messages of one app to people.
#[async_trait]
pub trait Cards: Send + Sync {
    /// Sends a card to the person. The same `uuid` (at most 50 characters) is never delivered twice.
    async fn send(&self, to: &SubjectId, card: &Card, uuid: &str) -> Result<CardRef, SendError>;

    /// Changes a card in place.
    async fn update(&self, card_ref: &CardRef, card: &Card) -> Result<(), PlatformError>;
}

/// Why a card was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// This person cannot be reached by this app: outside its availability, unknown, or the bot is off.
    #[error("the person cannot be reached by the app (code {code})")]
    Unreachable {
        /// What the platform calls it.
        code: PlatformCode,
    },
    /// Anything else.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}
