//! What one mini-program needs to know. Plain and already checked: the configuration builds it and answers for it.

use url::Url;

use crate::domain::ids::AppId;
use crate::domain::secret::Secret;

/// Where the platform is.
pub const BASE: &str = "https://api.weixin.qq.com";

/// One mini-program.
#[derive(Debug, Clone)]
pub struct WeChatConfig {
    /// The app's id, `wx…`.
    pub app_id: AppId,
    /// The app's secret.
    pub app_secret: Secret,
    /// The app's name to show to people.
    pub app_name: String,
    /// Where the platform is; only its origin counts.
    pub base: Url,
}

impl WeChatConfig {
    /// An address of the platform.
    pub(super) fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}
