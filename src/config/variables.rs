//! Environment variables: which exist, and which key of the file each one overrides.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Problem;

/// One variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key of the file it overrides: section and name. Section `app` is the first of `[[apps]]`.
    pub key: (&'static str, &'static str),
    /// The default in words; empty if there is none.
    pub default: &'static str,
    /// What it sets.
    pub doc: &'static str,
}

const fn variable(
    name: &'static str,
    key: (&'static str, &'static str),
    default: &'static str,
    doc: &'static str,
) -> Variable {
    Variable { name, key, default, doc }
}

/// Every variable that is read. `.env.example` lists the same, which a test checks.
pub const VARIABLES: &[Variable] = &[
    variable("CARDKEY_SERVER__LISTEN", ("server", "listen"), "127.0.0.1:8080", "address and port of the API"),
    variable("CARDKEY_SERVER__PUBLIC_URL", ("server", "public_url"), "", "where people's browsers reach the gateway"),
    variable("CARDKEY_METRICS__HOST", ("metrics", "host"), "127.0.0.1", "address of /metrics"),
    variable("PROMETHEUS_PORT", ("metrics", "port"), "8000", "port of /metrics"),
    variable("DATABASE_URL", ("database", "url"), "sqlite://data/cardkey.db", "where data is kept"),
    variable("CARDKEY_DATABASE__POOL_SIZE", ("database", "pool_size"), "20", "connections kept open to a server"),
    variable("CARDKEY_DATABASE__MAX_OVERFLOW", ("database", "max_overflow"), "30", "connections beyond them"),
    variable(
        "CARDKEY_DATABASE__POOL_PRE_PING",
        ("database", "pool_pre_ping"),
        "true",
        "whether a connection is tried before each use",
    ),
    variable(
        "CARDKEY_DATABASE__POOL_RECYCLE_SECONDS",
        ("database", "pool_recycle_seconds"),
        "3600",
        "after how long a connection is replaced",
    ),
    variable(
        "CARDKEY_DATABASE__CONNECT_TIMEOUT_SECONDS",
        ("database", "connect_timeout_seconds"),
        "60",
        "how long to wait for a connection",
    ),
    variable(
        "CARDKEY_DATABASE__STATEMENT_TIMEOUT_SECONDS",
        ("database", "statement_timeout_seconds"),
        "30",
        "how long a server may take for one statement",
    ),
    variable("REDIS_URL", ("redis", "url"), "", "a Redis or Valkey server for hints between replicas"),
    variable("CARDKEY_REDIS__CA_FILE", ("redis", "ca_file"), "", "PEM file of the only CA to trust for it"),
    variable("CARDKEY_VAULT__MASTER_KEY", ("vault", "master_key"), "", "the key ring: id:base64 of 32 bytes"),
    variable("CARDKEY_VAULT__MASTER_KEY_FILE", ("vault", "master_key_file"), "", "a file that holds the key ring"),
    variable("AUTH_SESSION_EXPIRY_SECONDS", ("auth", "session_expiry_seconds"), "600", "how long a person may take"),
    variable("AUTH_REQUEST_RATE_LIMIT", ("auth", "request_rate_limit"), "5", "cards per person and minute"),
    variable(
        "AUTH_TOKEN_REFRESH_THRESHOLD",
        ("auth", "token_refresh_threshold"),
        "0.8",
        "the used fraction of a token's life at which it is refreshed",
    ),
    variable("CARDKEY_REFRESH__ANSWER_SECONDS", ("refresh", "answer_seconds"), "60", "the wait for a refresh's answer"),
    variable("CARDKEY_REFRESH__SAVE_SECONDS", ("refresh", "save_seconds"), "10", "the time set aside to save it"),
    variable(
        "CARDKEY_REFRESH__LEASE_SECONDS",
        ("refresh", "lease_seconds"),
        "90",
        "how long a claim keeps others away",
    ),
    variable("CARDKEY_REFRESH__RETRY_SECONDS", ("refresh", "retry_seconds"), "5", "the first pause after two failures"),
    variable("CARDKEY_REFRESH__IN_FLIGHT", ("refresh", "in_flight"), "64", "refreshes at a time in this process"),
    variable(
        "CARDKEY_REFRESH__PER_SECOND",
        ("refresh", "per_second"),
        "50",
        "refreshes, exchanges and device polls per app in any second",
    ),
    variable(
        "CARDKEY_REFRESH__PER_MINUTE",
        ("refresh", "per_minute"),
        "1000",
        "refreshes, exchanges and device polls per app in any minute",
    ),
    variable("CARDKEY_REFRESH__JOURNAL_DAYS", ("refresh", "journal_days"), "30", "how long the journal is kept"),
    variable("CARDKEY_REFRESH__SPOOL", ("refresh", "spool"), "", "folder for pairs that could not be saved"),
    variable("CARDKEY_JOBS__POLL_SECONDS", ("jobs", "poll_seconds"), "15", "how often due jobs are looked for"),
    variable("CARDKEY_JOBS__LEASE_SECONDS", ("jobs", "lease_seconds"), "60", "how long a job's run is one process's"),
    variable(
        "CARDKEY_CLEANUP__SESSIONS_DAYS",
        ("cleanup", "sessions_days"),
        "7",
        "how long auth sessions are kept that ended",
    ),
    variable("CARDKEY_CLEANUP__EVENTS_HOURS", ("cleanup", "events_hours"), "48", "how long the ids of events are kept"),
    variable(
        "CARDKEY_CLEANUP__DEAD_GRANTS_DAYS",
        ("cleanup", "dead_grants_days"),
        "180",
        "how long grants are kept that died; 0: for ever",
    ),
    variable(
        "USER_INFO_SYNC_ENABLED",
        ("user_info", "sync_enabled"),
        "false",
        "whether everybody's name and contact data are asked for again by the clock",
    ),
    variable("USER_INFO_SYNC_SCHEDULE", ("user_info", "sync_schedule"), "0 2 * * *", "when: a cron expression"),
    variable("USER_INFO_SYNC_TIMEZONE", ("user_info", "sync_timezone"), "UTC", "the time zone of the expression"),
    variable(
        "CARDKEY_REFRESH__EXPIRY_NOTICE",
        ("refresh", "expiry_notice"),
        "log",
        "log or card: whether the person is asked too before a refresh token ends",
    ),
    variable(
        "AUTH_CARD_INCLUDE_DESCRIPTION",
        ("auth", "card_include_description"),
        "true",
        "whether the card lists the permissions in words",
    ),
    variable("AUTH_CARD_TEMPLATE_ID", ("auth", "card_template_id"), "", "a card template of the platform"),
    variable(
        "CARDKEY_AUTH__REASK",
        ("auth", "reask"),
        "at_once",
        "at_once or on_next_use: when a person is asked again whose grant has died",
    ),
    variable(
        "WEBSOCKET_MAX_RECONNECT_RETRIES",
        ("stream", "max_reconnect_retries"),
        "10",
        "failed dials in a row after which an app counts as degraded",
    ),
    variable(
        "WEBSOCKET_HEARTBEAT_INTERVAL",
        ("stream", "heartbeat_interval"),
        "10",
        "seconds between our own WebSocket pings",
    ),
    variable("CARDKEY_STREAM__CONNECTIONS", ("stream", "connections"), "2", "links per app, 2 to 50"),
    variable(
        "WEBSOCKET_FALLBACK_TO_HTTP",
        ("stream", "fallback_to_http"),
        "true",
        "whether an app whose links are gone counts on its webhook",
    ),
    variable("LOG_JSON_FORMAT", ("log", "json"), "false", "JSON lines instead of text"),
    variable("CARDKEY_LOG__LEVEL", ("log", "level"), "info", "error, warn, info, debug, trace or directives"),
    variable("CARDKEY_APP__PLATFORM", ("app", "platform"), "feishu", "the platform of the app"),
    variable("CARDKEY_APP__APP_ID", ("app", "app_id"), "", "the app's id"),
    variable("CARDKEY_APP__APP_SECRET", ("app", "app_secret"), "", "the app's secret"),
    variable("CARDKEY_APP__ENCRYPT_KEY", ("app", "encrypt_key"), "", "what the platform seals and signs webhooks with"),
    variable(
        "CARDKEY_APP__VERIFICATION_TOKEN",
        ("app", "verification_token"),
        "",
        "what webhooks name, if it is to be checked",
    ),
    variable("CARDKEY_APP__NAME", ("app", "name"), "the app's id", "the app's name to show to people"),
    variable("CARDKEY_APP__DOMAIN", ("app", "domain"), "feishu", "which of the platform's clouds"),
    variable("CARDKEY_APP__OPEN_URL", ("app", "open_url"), "", "base of the open API, in place of the domain's"),
    variable("CARDKEY_APP__ACCOUNTS_URL", ("app", "accounts_url"), "", "base of the accounts host, likewise"),
    variable("CARDKEY_APP__CA_FILE", ("app", "ca_file"), "", "PEM file of the only CA to trust for this app"),
    variable("CARDKEY_APP__TENANT_KEY", ("app", "tenant_key"), "learnt from the first event", "the organisation"),
    variable("CARDKEY_APP__CODE", ("app", "code"), "redirect", "redirect, device, paste or none"),
    variable("CARDKEY_APP__REDIRECT_URI", ("app", "redirect_uri"), "", "for paste: where the code page is"),
    variable("CARDKEY_APP__OAUTH_VERSION", ("app", "oauth_version"), "v3", "v3 or v2"),
    variable("CARDKEY_APP__REFRESH", ("app", "refresh"), "active", "active or eager"),
    variable("CARDKEY_APP__BROWSER_BINDING", ("app", "browser_binding"), "warn", "warn or strict"),
    variable("CARDKEY_APP__CARD_TEMPLATE_ID", ("app", "card_template_id"), "", "a card template for this app"),
    variable("CARDKEY_APP__ROBOT_CODE", ("app", "robot_code"), "the app's id", "the robot that brings the cards"),
    variable("CARDKEY_APP__ORG_LOGIN", ("app", "org_login"), "any", "any, managed or exclusive"),
    variable("CARDKEY_APP__SUITE_TICKET", ("app", "suite_ticket"), "", "the ticket of a third party's app"),
    variable("CARDKEY_APP__PRIVACY_URL", ("app", "privacy_url"), "", "privacy policy linked from the card"),
    variable("CARDKEY_APP__CUSTOM_MESSAGE", ("app", "custom_message"), "", "a sentence of yours on the card"),
];

/// Prefixes whose unknown variables are errors: whoever sets one means us.
const OURS: &[&str] = &[
    "CARDKEY_",
    "WEBSOCKET_MAX_",
    "WEBSOCKET_HEARTBEAT_",
    "WEBSOCKET_FALLBACK_",
    "AUTH_CARD_",
    "AUTH_TOKEN_REFRESH_",
    "AUTH_SESSION_",
    "AUTH_REQUEST_",
    "USER_INFO_SYNC_",
];

/// Writes the variables over the file's table and says which of them are unknown.
pub(super) fn overlay(table: &mut Table, environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, value) in environment {
        if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) {
            set(table, variable.key, value, &mut problems);
        } else if OURS.iter().any(|prefix| name.starts_with(prefix)) {
            problems.push(Problem { key: name.clone(), problem: "is not a known variable".to_owned() });
        }
    }
    problems
}

fn set(table: &mut Table, (section, key): (&str, &str), value: &str, problems: &mut Vec<Problem>) {
    let target = if section == "app" { first_app(table) } else { sub_table(table, section) };
    match target {
        Some(target) => drop(target.insert(key.to_owned(), Value::String(value.to_owned()))),
        None => problems.push(Problem { key: section.to_owned(), problem: "must be a table".to_owned() }),
    }
}

fn sub_table<'a>(table: &'a mut Table, section: &str) -> Option<&'a mut Table> {
    table.entry(section).or_insert_with(|| Value::Table(Table::new())).as_table_mut()
}

fn first_app(table: &mut Table) -> Option<&mut Table> {
    let apps = table.entry("apps").or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?;
    if apps.is_empty() {
        apps.push(Value::Table(Table::new()));
    }
    apps.first_mut()?.as_table_mut()
}
