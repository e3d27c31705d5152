//! The apps that people can be asked under, and why nobody can be asked under another.

use std::sync::Arc;

use super::AuthSessions;
use crate::domain::ids::{AppId, TenantKey};
use crate::platform::Asking;

/// One app as this use case needs it.
pub struct App {
    /// What its platform offers for it.
    pub platform: Arc<Asking>,
    /// How its authorizations come back.
    pub way: AppWay,
    /// Its organisation, if the configuration names it.
    pub tenant: Option<TenantKey>,
}

/// How an app's authorizations come back, with the addresses that belong to it.
#[derive(Debug, Clone)]
pub enum AppWay {
    /// By redirect to our callback.
    Redirect {
        /// Our landing page, without the token.
        start_url: String,
        /// Our callback, as registered with the platform.
        redirect_uri: String,
        /// Whether another browser than the one that began is refused.
        strict: bool,
    },
    /// By polling.
    Device,
    /// By pasting.
    Paste {
        /// The page that shows the code, as registered with the platform.
        redirect_uri: String,
    },
}

/// Why nobody can be asked under an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unserved {
    /// It is not configured.
    #[error("there is no such app")]
    Unknown,
    /// Its platform has no user tokens.
    #[error("the app's platform has no user tokens")]
    NoTokens,
}

impl AuthSessions {
    /// Whether people can be asked under this app.
    pub fn serves(&self, app: &AppId) -> Result<(), Unserved> {
        if self.0.apps.contains_key(app) {
            return Ok(());
        }
        Err(if self.0.tokenless.contains(app) { Unserved::NoTokens } else { Unserved::Unknown })
    }
}
