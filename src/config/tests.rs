//! The configuration as its users meet it: defaults, overrides, and every problem named at once.

use super::*;

const KEY: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn from(file: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { file: Some(file.to_owned()), environment, demo: false })
}

fn minimal(more: &[(&str, &str)]) -> Result<Config, Problems> {
    let mut environment = vec![
        ("CARDKEY_VAULT__MASTER_KEY", KEY),
        ("CARDKEY_APP__APP_ID", "cli_a1b2c3d4e5f60718"),
        ("CARDKEY_APP__APP_SECRET", "JmG83kLw02hT"),
        ("CARDKEY_APP__CODE", "device"),
    ];
    environment.extend_from_slice(more);
    from("", &environment)
}

fn keys(result: Result<Config, Problems>) -> Vec<String> {
    result.unwrap_err().0.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn one_app_runs_from_the_environment_alone() {
    let config = minimal(&[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.metrics.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.auth.session_expiry.as_secs(), 600);
    assert_eq!(config.auth.request_rate_limit, 5);
    assert!((config.auth.token_refresh_threshold - 0.8).abs() < f64::EPSILON);
    assert_eq!(config.auth.reask, Reask::AtOnce);
    assert_eq!(config.stream.max_reconnect_retries, 10);
    assert_eq!(config.stream.heartbeat_interval.as_secs(), 10);
    assert!(config.stream.fallback_to_http && config.apps[0].encrypt_key.is_none());
    assert_eq!(config.apps[0].name, "cli_a1b2c3d4e5f60718");
}

#[test]
fn names_every_problem_at_once() {
    let found = keys(from(
        "[server]\nlisten = \"nonsense\"\nlissten = \"x\"\n[auth]\nrequest_rate_limit = 0\n[[apps]]\napp_id = \"a b\"\n",
        &[("AUTH_TOKEN_REFRESH_THRESHOLD", "1.5"), ("CARDKEY_TYPO", "1"), ("USER_INFO_SYNC_SOON", "true")],
    ));
    for key in [
        "CARDKEY_TYPO",
        "USER_INFO_SYNC_SOON",
        "server.listen",
        "server.lissten",
        "auth.request_rate_limit",
        "auth.token_refresh_threshold",
        "vault.master_key",
        "apps[0].app_id",
        "apps[0].app_secret",
    ] {
        assert!(found.iter().any(|known| known == key), "{key} is not among {found:?}");
    }
}

#[test]
fn refuses_placeholder_secrets_outside_the_demo() {
    for secret in ["changeme-please", "your-app-secret", "sandbox-secret-5f60718a", "xxxxxxxxxx", "short"] {
        assert_eq!(keys(minimal(&[("CARDKEY_APP__APP_SECRET", secret)])), ["apps[0].app_secret"], "{secret}");
    }
}

#[test]
fn webhooks_are_taken_with_an_encrypt_key_and_not_without() {
    let key = ("CARDKEY_APP__ENCRYPT_KEY", "f2Kq81mmZ0");
    let token = ("CARDKEY_APP__VERIFICATION_TOKEN", "v9Xr37aaQ5");
    let config = minimal(&[key, token, ("WEBSOCKET_FALLBACK_TO_HTTP", "false")]).unwrap();
    assert!(config.apps[0].encrypt_key.as_ref().is_some_and(|found| found.matches(key.1)));
    assert!(config.apps[0].verification_token.as_ref().is_some_and(|found| found.matches(token.1)));
    assert!(!config.stream.fallback_to_http);
    assert!(minimal(&[key]).is_ok());
    assert_eq!(keys(minimal(&[token])), ["apps[0].verification_token"]);
    for (name, place) in [(key.0, "apps[0].encrypt_key"), (token.0, "apps[0].verification_token")] {
        assert_eq!(keys(minimal(&[key, token, (name, "changeme")])), [place]);
    }
    assert_eq!(keys(minimal(&[("WEBSOCKET_FALLBACK_TO_HTTP", "maybe")])), ["stream.fallback_to_http"]);
}

#[test]
fn a_redirect_needs_a_public_url() {
    assert_eq!(keys(minimal(&[("CARDKEY_APP__CODE", "redirect")])), ["apps[0].code"]);
    let with = [("CARDKEY_APP__CODE", "redirect"), ("CARDKEY_SERVER__PUBLIC_URL", "https://auth.example.org")];
    assert!(minimal(&with).is_ok());
    for bad in ["http://auth.example.org", "https://a.example/x", "https://u@a.example", "https://a.example/?q=1"] {
        assert_eq!(keys(minimal(&[("CARDKEY_SERVER__PUBLIC_URL", bad)])), ["server.public_url"], "{bad}");
    }
}

#[test]
fn several_apps_come_from_the_file_and_none_twice() {
    let app = |id: &str| format!("[[apps]]\napp_id = \"{id}\"\napp_secret = \"JmG83kLw02hT\"\ncode = \"device\"\n");
    let key = [("CARDKEY_VAULT__MASTER_KEY", KEY)];
    assert_eq!(from(&(app("cli_a") + &app("cli_b")), &key).unwrap().apps.len(), 2);
    assert_eq!(keys(from(&(app("cli_a") + &app("cli_a")), &key)), ["apps"]);
}

#[test]
fn never_prints_a_secret() {
    let config = minimal(&[]).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("JmG83kLw02hT") && !printed.contains("AAECAw"));
    let broken = from("[[apps]]\napp_secret = \"JmG83kLw02hT\" oops", &[]).unwrap_err();
    assert!(!broken.to_string().contains("JmG83kLw02hT"), "{broken}");
}

#[test]
fn refreshing_can_be_set_and_a_lease_that_is_too_short_is_refused() {
    let config = minimal(&[]).unwrap();
    let standard = crate::domain::refresh::Timers::STRICT;
    assert_eq!((config.refresh.timers, config.refresh.in_flight), (standard, 64));
    assert_eq!((config.refresh.per_second, config.refresh.per_minute), (50, 1_000));
    assert_eq!((config.refresh.journal.as_secs(), config.refresh.spool), (30 * 24 * 3_600, None));
    let set = minimal(&[
        ("CARDKEY_REFRESH__LEASE_SECONDS", "1.8"),
        ("CARDKEY_REFRESH__ANSWER_SECONDS", "1.2"),
        ("CARDKEY_REFRESH__SAVE_SECONDS", "0.2"),
        ("CARDKEY_REFRESH__RETRY_SECONDS", "0.1"),
        ("CARDKEY_REFRESH__JOURNAL_DAYS", "2"),
        ("CARDKEY_REFRESH__SPOOL", "elsewhere"),
        ("CARDKEY_REFRESH__EXPIRY_NOTICE", "card"),
        ("CARDKEY_APP__REFRESH", "eager"),
    ]);
    let set = set.unwrap();
    assert_eq!((config.refresh.asks_before_expiry, set.refresh.asks_before_expiry), (false, true));
    assert_eq!(set.refresh.timers.lease.as_millis(), 1_800);
    assert_eq!((set.refresh.timers.retry.as_millis(), set.refresh.timers.headroom().as_millis()), (100, 400));
    assert_eq!((set.refresh.journal.as_secs(), set.refresh.spool), (172_800, Some("elsewhere".into())));
    assert_eq!(set.apps[0].refresh, Policy::Eager);
    let fits = [("CARDKEY_REFRESH__LEASE_SECONDS", "70"), ("CARDKEY_REFRESH__SAVE_SECONDS", "5")];
    assert_eq!(minimal(&fits).unwrap().refresh.timers.headroom().as_secs(), 5);
    let short = [("CARDKEY_REFRESH__LEASE_SECONDS", "70"), ("CARDKEY_APP__REFRESH", "lazy")];
    assert_eq!(keys(minimal(&short)), ["refresh.lease_seconds", "apps[0].refresh"]);
}

#[test]
fn the_database_is_a_file_or_on_a_server() {
    let database = minimal(&[]).unwrap().database;
    assert_eq!(database.url.expose(), "sqlite://data/cardkey.db");
    assert_eq!((database.pool_size, database.max_overflow, database.pool_pre_ping), (20, 30, true));
    let seconds = [database.pool_recycle, database.connect_timeout, database.statement_timeout];
    assert_eq!(seconds.map(|time| time.as_secs()), [3600, 60, 30]);
    for url in ["postgres://u:CANARY@db/c", "postgresql://u@db:5433/c?sslmode=verify-full", "mysql://u@db/c"] {
        let config = minimal(&[("DATABASE_URL", url)]).unwrap();
        assert_eq!(config.database.url.expose(), url);
        assert!(!format!("{config:?}").contains("CANARY"), "a URL may hold a password");
    }
    for url in ["data/cardkey.db", "sqlite::memory:", "sqlite://:memory:", "mariadb://db/c", "oracle://db/c"] {
        assert_eq!(keys(minimal(&[("DATABASE_URL", url)])), ["database.url"], "{url}");
    }
}

#[test]
fn the_pool_is_set_by_variables_and_has_bounds() {
    let set = [
        ("CARDKEY_DATABASE__POOL_SIZE", "3"),
        ("CARDKEY_DATABASE__MAX_OVERFLOW", "0"),
        ("CARDKEY_DATABASE__POOL_PRE_PING", "false"),
        ("CARDKEY_DATABASE__POOL_RECYCLE_SECONDS", "300"),
        ("CARDKEY_DATABASE__CONNECT_TIMEOUT_SECONDS", "5"),
        ("CARDKEY_DATABASE__STATEMENT_TIMEOUT_SECONDS", "7"),
    ];
    let database = minimal(&set).unwrap().database;
    assert_eq!((database.pool_size, database.max_overflow, database.pool_pre_ping), (3, 0, false));
    let seconds = [database.pool_recycle, database.connect_timeout, database.statement_timeout];
    assert_eq!(seconds.map(|time| time.as_secs()), [300, 5, 7]);
    let beyond = set.map(|(name, _)| (name, "1001000"));
    let mut found = keys(minimal(&beyond));
    found.sort();
    let names = ["connect_timeout_seconds", "max_overflow", "pool_pre_ping", "pool_recycle_seconds", "pool_size"];
    let mut wanted: Vec<String> = names.map(|name| format!("database.{name}")).into();
    wanted.push("database.statement_timeout_seconds".to_owned());
    assert_eq!(found, wanted);
}

#[test]
fn hints_are_off_unless_a_server_is_named() {
    assert!(minimal(&[]).unwrap().redis.url.is_none());
    let redis = minimal(&[("REDIS_URL", "rediss://:canary@host"), ("CARDKEY_REDIS__CA_FILE", "ca.pem")]).unwrap().redis;
    assert_eq!(redis.url.as_ref().unwrap().expose(), "rediss://:canary@host");
    assert_eq!(redis.ca_file.as_deref(), Some(Path::new("ca.pem")));
    assert!(!format!("{redis:?}").contains("canary"));
    assert_eq!(keys(minimal(&[("CARDKEY_REDIS__CA_FILE", "ca.pem")])), ["redis.ca_file"]);
}

#[test]
fn a_schedule_that_cannot_be_kept_is_refused_also_when_it_is_off() {
    let schedule = |schedule, zone| {
        let more = [("USER_INFO_SYNC_SCHEDULE", schedule), ("USER_INFO_SYNC_TIMEZONE", zone)];
        minimal(&more).map(|config| config.user_info.sync)
    };
    assert_eq!(schedule("0 2 * * *", "Europe/Berlin").unwrap().to_string(), "by command only");
    for (expression, zone, key, says) in [
        ("61 * * * *", "UTC", "user_info.sync_schedule", "must be a cron expression of five fields such as 0 2 * * *"),
        ("0 0 2 * * *", "UTC", "user_info.sync_schedule", "five fields"),
        ("0 0 31 2 *", "UTC", "user_info.sync_schedule", "never comes true"),
        ("0 2 * * *", "Mars/Base", "user_info.sync_timezone", "a time zone such as Asia/Shanghai"),
    ] {
        let problems = schedule(expression, zone).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].key, key);
        assert!(problems[0].problem.contains(says), "{problems:?}");
    }
    let on = [("USER_INFO_SYNC_ENABLED", "true"), ("USER_INFO_SYNC_TIMEZONE", "Asia/Shanghai")];
    assert_eq!(minimal(&on).unwrap().user_info.sync.to_string(), "0 2 * * * Asia/Shanghai");
}

#[test]
fn dead_grants_are_kept_for_a_while_or_for_ever() {
    let kept = |days| minimal(&[("CARDKEY_CLEANUP__DEAD_GRANTS_DAYS", days)]).map(|config| config.cleanup.dead_grants);
    assert_eq!(kept("0"), Ok(None));
    assert_eq!(kept("30"), Ok(Some(std::time::Duration::from_hours(720))));
    for wrong in ["1", "29", "-1", "3651"] {
        assert!(kept(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_only_some_platforms_know_is_read_for_every_app() {
    let plain = minimal(&[]).unwrap();
    let app = &plain.apps[0];
    assert_eq!((&app.card_template_id, &app.robot_code, app.org_login), (&None, &None, OrgLogin::Any));
    assert!(app.suite_ticket.is_none());
    let set = minimal(&[
        ("CARDKEY_APP__PLATFORM", "dingtalk"),
        ("CARDKEY_APP__CARD_TEMPLATE_ID", "t.schema"),
        ("CARDKEY_APP__ROBOT_CODE", "robot"),
        ("CARDKEY_APP__ORG_LOGIN", "managed"),
        ("CARDKEY_APP__SUITE_TICKET", "ticket"),
    ]);
    let app = &set.unwrap().apps[0];
    assert_eq!((app.card_template_id.as_deref(), app.robot_code.as_deref()), (Some("t.schema"), Some("robot")));
    assert_eq!(app.org_login, OrgLogin::Managed);
    assert!(app.suite_ticket.as_ref().unwrap().matches("ticket"));
    assert_eq!(keys(minimal(&[("CARDKEY_APP__ORG_LOGIN", "all")])), ["apps[0].org_login"]);
}
