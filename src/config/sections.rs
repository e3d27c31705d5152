//! The sections other than the apps, each with its defaults and bounds.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::reader::Reader;
use crate::domain::secret::Secret;

/// `[server]`.
#[derive(Debug)]
pub struct Server {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where people's browsers reach it, without a trailing slash; absent if no app needs it.
    pub public_url: Option<Url>,
}

/// `[metrics]`.
#[derive(Debug)]
pub struct MetricsListen {
    /// Where `/metrics` listens: loopback unless set.
    pub listen: SocketAddr,
}

/// `[database]`.
#[derive(Debug)]
pub struct Database {
    /// `sqlite://PATH`, or a server's: it may hold a password.
    pub url: Secret,
    /// Connections to a server that are kept open.
    pub pool_size: u32,
    /// Connections beyond them.
    pub max_overflow: u32,
    /// Whether a connection is tried before each use.
    pub pool_pre_ping: bool,
    /// After how long a connection is replaced.
    pub pool_recycle: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long the server may take for one statement.
    pub statement_timeout: Duration,
}

/// `[vault]`: exactly one of the two.
#[derive(Debug)]
pub struct Vault {
    /// The key ring itself, from the environment.
    pub master_key: Option<Secret>,
    /// The file that holds it.
    pub master_key_file: Option<PathBuf>,
}

/// `[auth]`.
#[derive(Debug)]
pub struct Auth {
    /// How long a person may take.
    pub session_expiry: Duration,
    /// Cards per subject and minute.
    pub request_rate_limit: u32,
    /// The used fraction of a token's life at which it is refreshed.
    pub token_refresh_threshold: f64,
    /// Whether the card lists the permissions in words.
    pub card_include_description: bool,
    /// A card template of the platform, in place of our own ask card.
    pub card_template_id: Option<String>,
    /// When a person is asked again whose grant has died.
    pub reask: Reask,
}

/// When a person is asked again whose grant has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reask {
    /// As soon as that is known.
    AtOnce,
    /// When a caller wants a token.
    OnNextUse,
}

/// `[stream]`.
#[derive(Debug)]
pub struct Stream {
    /// Failed dials in a row after which the app counts as degraded.
    pub max_reconnect_retries: u32,
    /// Our own WebSocket ping; a link is dead after two and a half of them without an inbound frame.
    pub heartbeat_interval: Duration,
    /// Links per app.
    pub connections: usize,
    /// Whether readiness counts on the webhook of an app whose stream is degraded.
    pub fallback_to_http: bool,
}

/// `[log]`.
#[derive(Debug)]
pub struct Log {
    /// JSON lines instead of text.
    pub json: bool,
    /// tracing's directives.
    pub level: String,
}

impl Server {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let listen = reader.parsed("listen", "an address and port such as 127.0.0.1:8080");
        let public_url: Option<Url> = reader.parsed("public_url", "an https:// address");
        if let Some(url) = &public_url
            && !is_public_base(url)
        {
            reader.problem(
                "public_url",
                "must be https:// (http:// only for localhost), with neither a path, a query, a fragment nor a user",
            );
        }
        Self { listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))), public_url }
    }
}

/// An origin only: https, or http on loopback for trying things out.
fn is_public_base(url: &Url) -> bool {
    let local = is_loopback(url);
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    scheme && bare && url.has_host() && url.username().is_empty() && url.password().is_none()
}

/// Whether the host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl MetricsListen {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let host = reader.parsed("host", "an IP address").unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = reader.integer("port", 0..=65_535, 8000);
        Self { listen: SocketAddr::new(host, u16::try_from(port).unwrap_or(8000)) }
    }
}

impl Database {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let url = reader.text("url").unwrap_or_else(|| "sqlite://data/cardkey.db".to_owned());
        let known = ["sqlite://", "postgres://", "postgresql://", "mysql://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) || url.contains(":memory:") {
            reader.problem(
                "url",
                "must be sqlite://PATH (a file), or postgres://USER:PASSWORD@HOST:PORT/DATABASE, or the same with \
                 mysql:// for MariaDB and MySQL",
            );
        }
        let mut number = |key, range, default| u32::try_from(reader.integer(key, range, default)).unwrap_or_default();
        let pool_size = number("pool_size", 1..=1_000, 20);
        let max_overflow = number("max_overflow", 0..=1_000, 30);
        let mut seconds = |key, range, default| Duration::from_secs(number(key, range, default).into());
        let pool_recycle = seconds("pool_recycle_seconds", 10..=86_400, 3_600);
        let connect_timeout = seconds("connect_timeout_seconds", 1..=600, 60);
        let statement_timeout = seconds("statement_timeout_seconds", 1..=600, 30);
        let pool_pre_ping = reader.boolean("pool_pre_ping", true);
        Self {
            url: Secret::new(url),
            pool_size,
            max_overflow,
            pool_pre_ping,
            pool_recycle,
            connect_timeout,
            statement_timeout,
        }
    }
}

impl Vault {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let master_key = reader.text("master_key").map(Secret::new);
        let master_key_file = reader.text("master_key_file").map(PathBuf::from);
        match (&master_key, &master_key_file) {
            (None, None) => reader.problem(
                "master_key",
                "is missing: set CARDKEY_VAULT__MASTER_KEY to `id:` and 32 random bytes in base64 (for example \
                 `k1:$(openssl rand -base64 32)`), or CARDKEY_VAULT__MASTER_KEY_FILE to a file that holds it",
            ),
            (Some(_), Some(_)) => reader.problem("master_key", "and master_key_file are both set: keep one"),
            _ => {}
        }
        Self { master_key, master_key_file }
    }
}

impl Auth {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let expiry = reader.integer("session_expiry_seconds", 30..=900, 600);
        let limit = reader.integer("request_rate_limit", 1..=1_000, 5);
        Self {
            session_expiry: Duration::from_secs(expiry.unsigned_abs()),
            request_rate_limit: u32::try_from(limit).unwrap_or(5),
            token_refresh_threshold: reader.fraction("token_refresh_threshold", 0.5..=0.98, 0.8),
            card_include_description: reader.boolean("card_include_description", true),
            card_template_id: reader.text("card_template_id"),
            reask: reader
                .word("reask", &[("at_once", Reask::AtOnce), ("on_next_use", Reask::OnNextUse)])
                .unwrap_or(Reask::AtOnce),
        }
    }
}

impl Stream {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let retries = reader.integer("max_reconnect_retries", 1..=1_000, 10);
        let heartbeat = reader.integer("heartbeat_interval", 1..=60, 10);
        let connections = reader.integer("connections", 2..=50, 2);
        Self {
            max_reconnect_retries: u32::try_from(retries).unwrap_or(10),
            heartbeat_interval: Duration::from_secs(heartbeat.unsigned_abs()),
            connections: usize::try_from(connections).unwrap_or(2),
            fallback_to_http: reader.boolean("fallback_to_http", true),
        }
    }
}

impl Log {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        Self { json: reader.boolean("json", false), level: reader.text("level").unwrap_or_else(|| "info".to_owned()) }
    }
}
