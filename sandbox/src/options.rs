//! What a sandbox is started with. Every lifetime is a setting, so that tests need not wait for the platform's real ones.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// App id of the app that is always there.
pub const DEFAULT_APP_ID: &str = "cli_a1b2c3d4e5f60718";
/// Secret of the default app. It is published on purpose: nothing real hangs on it.
pub const DEFAULT_APP_SECRET: &str = "sandbox-secret-5f60718a1b2c3d4e";
/// Tenant of the default app and of the people who name no other.
pub const DEFAULT_TENANT_KEY: &str = "736588c9260f175d";
/// Client id of the DingTalk app that is always there.
pub const DINGTALK_CLIENT_ID: &str = "dinga1b2c3d4e5f60718a1b2";
/// Secret of the default DingTalk app. It is published on purpose, too.
pub const DINGTALK_CLIENT_SECRET: &str = "sandbox-secret-dingtalk-5f60718a1b2c3d4e";
/// Company of the default DingTalk app and of the people there.
pub const DINGTALK_CORP_ID: &str = "ding736588c9260f175d35c2f4657eb6378f";
/// The card template that the sandbox can draw.
pub const DINGTALK_TEMPLATE: &str = "6f1c0a3e-5b7d-4a52-9d0e-2f8b61c4d7aa.schema";
/// App id of the WeChat mini-program that is always there.
pub const WECHAT_APP_ID: &str = "wxa1b2c3d4e5f60718";
/// Secret of the default mini-program. It is published on purpose, too.
pub const WECHAT_APP_SECRET: &str = "sandbox-secret-wechat-5f60718a1b2c3d4e";
/// Alice's id as the default app sees her.
pub const ALICE: &str = "ou_a11ce0a11ce0a11ce0a11ce0a11ce0a1";
/// Bob's id as the default app sees him.
pub const BOB: &str = "ou_b0bb0bb0bb0bb0bb0bb0bb0bb0bb0bb0";
/// Carol's id as the default app sees her.
pub const CAROL: &str = "ou_ca201ca201ca201ca201ca201ca201ca";

/// How a sandbox starts.
#[derive(Clone)]
pub struct Options {
    /// Where HTTP listens. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Port of the default app's long connection on the same address. 0 picks a free one; other apps always get a free one.
    pub stream_port: u16,
    /// Host in the long connection's URL; by default the address listened on.
    pub public_host: Option<String>,
    /// Origin in links shown to people (device page); by default [`crate::Sandbox::base_url`].
    pub public_url: Option<String>,
    /// Serve https and wss with a certificate of a CA made at the start.
    pub tls: bool,
    /// Where to write that CA's certificate (PEM).
    pub ca_out: Option<PathBuf>,
    /// Push one message event and one card click to every new long connection.
    pub auto_push: bool,
    /// Apps besides the default one.
    pub apps: Vec<AppSpec>,
    /// People besides Alice, Bob and Carol.
    pub people: Vec<PersonSpec>,
    /// How many people to make up besides those.
    pub generated_people: usize,
    /// Lifetimes of tokens and codes.
    pub lifetimes: Lifetimes,
    /// What the long connection tells its clients.
    pub stream: StreamOptions,
    /// Multiplies the periods that the platform fixes: redelivery, idempotency window, a card's age, a click token's life,
    /// the year after which consent must be given again. Not the lifetimes that are settings.
    pub time_scale: f64,
    /// Whether any rate limit is enforced.
    pub rate_limits: bool,
    /// How the token endpoint's own limit is answered, where limits are enforced.
    pub token_limit: TokenLimit,
    /// What is different at DingTalk.
    pub dingtalk: DingTalkOptions,
    /// WeChat mini-programs besides the default one.
    pub wechat_apps: Vec<AppSpec>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            stream_port: 0,
            public_host: None,
            public_url: None,
            tls: false,
            ca_out: None,
            auto_push: false,
            apps: Vec::new(),
            people: Vec::new(),
            generated_people: 0,
            lifetimes: Lifetimes::default(),
            stream: StreamOptions::default(),
            time_scale: 1.0,
            rate_limits: true,
            token_limit: TokenLimit::default(),
            dingtalk: DingTalkOptions::default(),
            wechat_apps: Vec::new(),
        }
    }
}

/// Lifetimes in seconds, exactly as told to the clients.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// User access tokens and OAuth client tokens.
    pub access_token_s: i64,
    /// Refresh tokens.
    pub refresh_token_s: i64,
    /// Authorization codes.
    pub code_s: i64,
    /// Tenant access tokens (at most two hours at the real platform).
    pub tenant_token_s: i64,
    /// Device codes.
    pub device_code_s: i64,
    /// How long a device waits between two polls.
    pub device_interval_s: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token_s: 7200,
            refresh_token_s: 604_800,
            code_s: 300,
            tenant_token_s: 7200,
            device_code_s: 240,
            device_interval_s: 5,
        }
    }
}

/// The four numbers of the platform's `ClientConfig`, and how long a card click waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// Seconds between two pings.
    pub ping_interval_s: i64,
    /// Seconds between two tries to connect.
    pub reconnect_interval_s: i64,
    /// Upper bound of the random first delay, in seconds.
    pub reconnect_nonce_s: i64,
    /// How many tries; negative: for ever.
    pub reconnect_count: i64,
    /// How long a card click waits for its answer.
    pub callback_timeout: Duration,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            ping_interval_s: 120,
            reconnect_interval_s: 120,
            reconnect_nonce_s: 30,
            reconnect_count: -1,
            callback_timeout: Duration::from_secs(3),
        }
    }
}

/// The settings of the DingTalk simulator, besides those that it shares.
#[derive(Clone)]
pub struct DingTalkOptions {
    /// Apps besides the default one; `app_id` is the client id, `tenant_key` the corp id, `scopes` its permissions.
    pub apps: Vec<AppSpec>,
    /// Port of the default app's long connection. 0 picks a free one.
    pub stream_port: u16,
    /// Lifetimes; refresh tokens live for 30 days here.
    pub lifetimes: Lifetimes,
    /// How long a card callback waits for its answer.
    pub callback_timeout: Duration,
    /// How often the server pings.
    pub ping_interval: Duration,
}

impl Default for DingTalkOptions {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            stream_port: 0,
            lifetimes: Lifetimes { refresh_token_s: 30 * 24 * 3600, ..Lifetimes::default() },
            callback_timeout: Duration::from_secs(2),
            ping_interval: Duration::from_secs(30),
        }
    }
}

/// What an app hears from the token endpoint after 50 requests within a second or 1000 within a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// Nothing: there is no limit.
    #[default]
    Off,
    /// HTTP 429 with code 99991400.
    Http429,
    /// HTTP 400 with code 99991400, as some of the platform's older interfaces answer.
    Http400,
}

/// What an app's spent refresh token still does. Platforms differ in it; the real Feishu is strict.
///
/// The grace of a token begins with its first use and ends after `grace_ms`, or as soon as its successor is used: whoever
/// uses that has had the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum RefreshMode {
    /// It is refused, and that is all.
    #[default]
    Strict,
    /// It is refused, and every token of its chain dies.
    FamilyRevoke,
    /// Within the grace it is answered with the same successors again.
    GraceSame {
        /// How long, in milliseconds.
        grace_ms: i64,
    },
    /// Within the grace it gives a new pair, and the refresh token given for it before dies.
    GraceNew {
        /// How long, in milliseconds.
        grace_ms: i64,
    },
}

/// An app to register, or what to change about one. Fields left out keep their value (or take the default).
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSpec {
    /// `cli_` and 16 hex digits.
    pub app_id: String,
    /// The secret; made up when left out.
    pub secret: Option<String>,
    /// What its webhooks are sealed and signed with; none when left out.
    pub encrypt_key: Option<String>,
    /// The name people read.
    pub name: Option<String>,
    /// The tenant the app belongs to.
    pub tenant_key: Option<String>,
    /// Whether the app is switched on (20069 otherwise).
    pub enabled: Option<bool>,
    /// Whether the app is installed in its tenant (20009 otherwise).
    pub installed: Option<bool>,
    /// Whether the bot ability is on (230006 otherwise).
    pub bot: Option<bool>,
    /// Whether user tokens may be refreshed (20074 otherwise).
    pub refresh: Option<bool>,
    /// What a spent refresh token still does.
    pub refresh_mode: Option<RefreshMode>,
    /// A public client needs no secret when it uses PKCE.
    pub public_client: Option<bool>,
    /// The scopes the app may ask for; every scope when left out.
    pub scopes: Option<Vec<String>>,
    /// The redirect addresses registered; every address when left out.
    pub redirect_uris: Option<Vec<String>>,
}

/// A person to add, or what to change about one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSpec {
    /// The id as the default app sees the person; made up for a new one. Any app's id finds a person who is there.
    pub open_id: Option<String>,
    /// The name people read.
    pub name: Option<String>,
    /// `zh` or `en`.
    pub locale: Option<String>,
    /// The tenant the person belongs to.
    pub tenant_key: Option<String>,
    /// Whether the person may use the apps (20010 and 230013 otherwise).
    pub available: Option<bool>,
    /// Left the company (20066, 20021, 230013).
    pub resigned: Option<bool>,
    /// Account frozen (20066, 20022, 230013).
    pub frozen: Option<bool>,
    /// Left the company of their own accord (20066, 20021, 230013).
    pub exited: Option<bool>,
    /// Never registered (20023 at user info).
    pub unregistered: Option<bool>,
    /// Does not exist any more (20008).
    pub removed: Option<bool>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}
