//! What one app needs to know. Plain and already checked: the configuration builds it and answers for it.

use url::Url;

use crate::domain::ids::AppId;
use crate::domain::secret::Secret;

/// One app on Feishu or Lark.
#[derive(Debug, Clone)]
pub struct FeishuConfig {
    /// The app's id, `cli_…`.
    pub app_id: AppId,
    /// The app's secret.
    pub app_secret: Secret,
    /// The app's name to show to people.
    pub app_name: String,
    /// Where the open platform is, e.g. `https://open.feishu.cn`.
    pub open_base: Url,
    /// Where accounts are, e.g. `https://accounts.feishu.cn`.
    pub accounts_base: Url,
    /// Which token endpoint is used.
    pub oauth_version: OAuthVersion,
    /// What cards look like.
    pub card: CardOptions,
}

/// The open platform's and the accounts host of a domain, Feishu's if none is named.
#[must_use]
pub fn hosts(domain: Option<&str>) -> Option<(&'static str, &'static str)> {
    match domain {
        None | Some("feishu") => Some(("https://open.feishu.cn", "https://accounts.feishu.cn")),
        Some("lark") => Some(("https://open.larksuite.com", "https://accounts.larksuite.com")),
        Some(_) => None,
    }
}

/// The token endpoint's version. Both take and give the same; version 2 is the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OAuthVersion {
    /// `{accounts}/oauth/v3/token`.
    #[default]
    V3,
    /// `{open}/open-apis/authen/v2/oauth/token`.
    V2,
}

/// What the card that asks looks like.
#[derive(Debug, Clone)]
pub struct CardOptions {
    /// Whether it lists purpose and permissions at length, or says them in one line.
    pub include_description: bool,
    /// A card made with the platform's card builder, used in place of ours for asking.
    pub template_id: Option<String>,
    /// A paragraph of the operator's, shown as it is and never as markup.
    pub custom_message: Option<String>,
    /// Where the privacy policy is.
    pub privacy_url: Option<Url>,
}

impl Default for CardOptions {
    fn default() -> Self {
        Self { include_description: true, template_id: None, custom_message: None, privacy_url: None }
    }
}
