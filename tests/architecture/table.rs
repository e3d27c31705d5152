//! The rules: which module may import which, which crate belongs where.

/// The platforms' folders, and names by which people call them.
pub(crate) const PLATFORMS: &[&str] = &["feishu", "lark", "dingtalk", "wechat", "wecom", "slack"];

/// What platforms share besides the contract.
pub(crate) const SHARED: &[&str] = &[
    "answer_fields",
    "app_call",
    "app_token",
    "button",
    "card_text",
    "card_words",
    "client",
    "dial",
    "effect",
    "pacing",
];

/// What one module may name of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    All,
    /// Only the submodule of this name.
    Only(&'static str),
    /// Of `platform`: the contract at its root, neither a platform nor the parts that platforms share.
    Contract,
    /// Of `platform`: the contract and what platforms share, but no platform.
    Shared,
    /// Of `store`: its inbox, by the types at its root or by the submodule `inbox`.
    Inbox,
}

/// A module and what it may import besides itself.
pub(crate) type Row = (&'static str, &'static [(&'static str, Part)]);

use Part::{All, Contract, Inbox, Only, Shared};

const USE_CASE: &[(&str, Part)] =
    &[("domain", All), ("store", All), ("platform", Contract), ("metrics", All), ("failpoint", All)];

/// Who may import whom. `app` and `lib` may import everything and are not listed.
pub(crate) const IMPORTS: &[Row] = &[
    ("main", &[("app", All)]),
    (
        "web",
        &[
            ("domain", All),
            ("auth_session", All),
            ("grants", All),
            ("login", All),
            ("access", All),
            ("dispatch", All),
            ("platform", Contract),
            ("metrics", All),
        ],
    ),
    (
        "dispatch",
        &[("domain", All), ("auth_session", All), ("grants", All), ("login", All), ("store", Inbox), ("metrics", All)],
    ),
    ("auth_session", USE_CASE),
    ("grants", USE_CASE),
    ("login", USE_CASE),
    ("access", USE_CASE),
    (
        "platform",
        &[
            ("domain", All),
            ("metrics", All),
            ("retry", All),
            ("stream", Only("contract")),
            ("platform", Shared),
            ("failpoint", All),
        ],
    ),
    ("store", &[("domain", All), ("vault", All), ("migrations", All), ("metrics", All), ("failpoint", All)]),
    ("stream", &[("domain", All), ("metrics", All), ("retry", All)]),
    ("hints", &[("domain", All), ("metrics", All), ("retry", All)]),
    ("vault", &[("domain", All)]),
    ("retry", &[("domain", All)]),
    ("config", &[("domain", All)]),
    ("jobs", &[("domain", All), ("metrics", All)]),
    ("metrics", &[]),
    ("failpoint", &[]),
    ("shutdown", &[]),
    ("telemetry", &[]),
    ("domain", &[]),
];

/// A crate and the places (prefixes of `src/…`, without `.rs`) that may name it.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    ("sea_orm", &["store"]),
    ("sea_orm_migration", &["store"]),
    ("sea_query", &["store"]),
    ("sqlx", &["store"]),
    ("axum", &["web"]),
    ("axum_extra", &["web"]),
    ("reqwest", &["platform", "web/inject"]),
    ("tokio_tungstenite", &["stream", "platform/dial", "platform/*/protocol", "platform/*/codec"]),
    ("tungstenite", &["stream", "platform/dial", "platform/*/protocol", "platform/*/codec"]),
    ("prometheus", &["metrics"]),
    ("backoff", &["retry"]),
    ("redis", &["hints"]),
];

/// What `domain` must not name: async, I/O, the web, the database. A path is forbidden with all below it.
pub(crate) const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "tokio_util",
    "tokio_rustls",
    "async_trait",
    "futures",
    "futures_util",
    "axum",
    "hyper",
    "hyper_util",
    "http",
    "tower",
    "tower_http",
    "reqwest",
    "sea_orm",
    "sqlx",
    "tokio_tungstenite",
    "prometheus",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::future",
];

/// Most lines of a file without its `#[cfg(test)]` parts.
pub(crate) const PRODUCTION_LINES: usize = 300;

/// Most lines of a file with them.
pub(crate) const ALL_LINES: usize = 400;

/// Files that are over the budget: at most so many lines, and why. A file that fits again must leave this list.
pub(crate) const ALLOWED_LINES: &[(&str, usize, &str)] = &[];
