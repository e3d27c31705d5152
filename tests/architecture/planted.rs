//! Negative controls: each rule's violation, planted, is found; its lawful neighbour is not.

use crate::check::{check, climbs};
use crate::files;

/// Expects a violation that says `says`.
#[track_caller]
fn bad(path: &str, text: &str, says: &str) {
    let found = check(path, text, false);
    assert!(found.iter().any(|it| it.what.contains(says)), "{path}: {text}\nfound only {found:?}");
}

/// Expects none.
#[track_caller]
fn good(path: &str, text: &str) {
    let found = check(path, text, false);
    assert!(found.is_empty(), "{path}: {text}\nfound {found:?}");
}

#[test]
fn domain_is_pure() {
    for text in [
        "use tokio::sync::Mutex;",
        "use {std::fmt, tokio::sync};",
        "fn f(_: &axum::Router) {}",
        "use sea_orm::Value;",
        "use reqwest as r;",
        "use std::fs;",
        "fn f() { std::net::TcpStream::connect(\"\"); }",
        "#[async_trait::async_trait] trait T {}",
    ] {
        bad("src/domain/ids.rs", text, "domain must not name");
    }
    bad("src/domain/ids.rs", "async fn f() {}", "not async");
    bad("src/domain/ids.rs", "fn f() { g(async { 1 }) }", "not async");
    bad("src/domain/ids.rs", "use crate::store::Store;", "must not name store::Store");
    bad("src/domain/ids.rs", "struct FeishuId;", "names a platform");
    bad("src/domain/ids.rs", "const P: &str = \"dingtalk\";", "names a platform");
    good("src/domain/ids.rs", "use crate::domain::clock::Timestamp; use std::fmt; struct Skylark;");
}

#[test]
fn use_cases_know_the_contract_only() {
    for place in ["auth_session/ask.rs", "grants/lookup.rs", "login/mod.rs", "access/keys.rs"] {
        let path = format!("src/{place}");
        bad(&path, "use crate::platform::feishu::oauth;", "must not name platform::feishu");
        bad(&path, "use crate::platform::client::Client;", "must not name platform::client");
        bad(&path, "use crate::web::error::Problem;", "must not name web");
        good(
            &path,
            "use crate::platform::{OAuth, PlatformError}; use crate::store::Store; use crate::domain::ids::AppId;",
        );
    }
    bad("src/grants/mod.rs", "use crate::auth_session::Sessions;", "must not name auth_session");
    bad("src/auth_session/mod.rs", "use crate::access::Keys;", "must not name access");
}

#[test]
fn nothing_hides_in_groups_aliases_macros_or_attributes() {
    for text in [
        "use crate::{domain::ids::AppId, platform::{OAuth, feishu::{self, oauth}}};",
        "use crate::platform; fn f() { platform::feishu::oauth::start(); }",
        "use crate::platform as p; type T = p::feishu::Config;",
        "use crate as c; fn f() -> c::platform::feishu::Config { todo!() }",
        "fn f() { let _ = crate::platform::feishu::ID; }",
        "fn f() { println!(\"{}\", crate::platform::feishu::ID); }",
        "fn f() { x!(crate::platform::{OAuth, feishu::ID}); }",
        "#[serde(with = \"crate::platform::feishu::wire\")] struct S;",
        "#[derive(crate::platform::feishu::Derive)] struct S;",
        "fn f() { use crate::platform::feishu as x; }",
        "impl crate::platform::feishu::T for S {}",
        "fn f<T: crate::platform::feishu::T>() {}",
        "use super::platform::feishu;",
        "mod inner { use crate::platform::feishu; }",
        "pub use crate::platform::feishu;",
    ] {
        bad("src/grants/mod.rs", text, "must not name platform::feishu");
    }
    bad("src/grants/mod.rs", "use crate::platform::*;", "glob");
    bad("src/grants/mod.rs", "use crate::*;", "glob");
    bad("src/web/mod.rs", "use sea_orm::{self as s};", "must not name sea_orm");
    bad("src/web/mod.rs", "extern crate sea_orm as s;", "must not name sea_orm");
    bad("src/web/mod.rs", "use ::sea_orm::Value;", "must not name sea_orm");
}

#[test]
fn web_does_not_name_the_store() {
    bad("src/web/tokens.rs", "use crate::store::Store;", "must not name store");
    bad("src/web/tokens.rs", "fn f(_: crate::store::Store) {}", "must not name store");
    bad("src/web/tokens.rs", "use crate::vault::Vault;", "must not name vault");
    bad("src/web/tokens.rs", "use crate::config::Config;", "must not name config");
    good(
        "src/web/tokens.rs",
        "use crate::grants::Grants; use axum::Json; use crate::web::error::Problem; use super::state;",
    );
}

#[test]
fn entities_stay_in_the_store() {
    bad("src/app.rs", "use crate::store::entity::grant;", "store::entity outside store");
    bad("src/grants/mod.rs", "use crate::store::{Store, entity};", "store::entity outside store");
    good(
        "src/store/grants.rs",
        "use crate::store::entity::grant; use super::entity; use sea_orm::Value; use migrations::Migrator;",
    );
}

#[test]
fn crates_stay_at_home() {
    let planted = [
        ("src/app.rs", "use sea_orm::Database;", "sea_orm"),
        ("src/app.rs", "use axum::Router;", "axum"),
        ("src/grants/mod.rs", "use reqwest::Client;", "reqwest"),
        ("src/web/tokens.rs", "use reqwest::Client;", "reqwest"),
        ("src/web/tokens.rs", "use prometheus::Counter;", "prometheus"),
        ("src/platform/feishu/oauth.rs", "use tokio_tungstenite::connect_async;", "tokio_tungstenite"),
        ("src/stream/supervisor.rs", "use backoff::ExponentialBackoff;", "backoff"),
        ("src/main.rs", "use prometheus::Registry;", "prometheus"),
    ];
    for (path, text, says) in planted {
        bad(path, text, &format!("must not name {says}"));
    }
    good("src/web/inject.rs", "use reqwest::Client;");
    good("src/platform/client.rs", "use reqwest::Client;");
    good("src/platform/feishu/codec.rs", "use tokio_tungstenite::tungstenite::Message;");
    good("src/stream/connection.rs", "use tokio_tungstenite::WebSocketStream;");
    good("src/metrics.rs", "use prometheus::Counter;");
    good("src/metrics/stream.rs", "use prometheus::Counter;");
}

#[test]
fn platforms_do_not_know_each_other() {
    bad("src/platform/feishu/oauth.rs", "use crate::platform::dingtalk::oauth;", "platform::dingtalk");
    bad("src/platform/feishu/oauth.rs", "use crate::platform::{OAuth, wechat};", "platform::wechat");
    bad("src/platform/client.rs", "use crate::platform::feishu::Config;", "platform::feishu");
    bad("src/platform/client.rs", "use super::feishu;", "platform::feishu");
    bad("src/platform/feishu/oauth.rs", "use crate::stream::supervisor::Supervisor;", "stream::supervisor");
    bad("src/platform/feishu/oauth.rs", "use crate::store::Store;", "store::Store");
    good(
        "src/platform/feishu/oauth.rs",
        "use super::config; use crate::platform::feishu::errors; use crate::platform::client::Http; use crate::retry; \
         use crate::stream::contract::Codec;",
    );
}

#[test]
fn platform_names_are_not_compared() {
    for text in [
        "fn f(p: &str) -> bool { p == \"feishu\" }",
        "fn f(p: &str) -> bool { \"Feishu\" != p }",
        "fn f(p: Id) -> bool { p == Id::from(\"dingtalk\") }",
        "fn f(p: &str) -> u8 { match p { \"slack\" => 1, _ => 2 } }",
        "fn f(p: Option<&str>) -> u8 { match p { Some(\"a\" | \"wechat\") => 1, _ => 2 } }",
        "fn f(p: &str) { if let \"lark\" = p {} }",
        "fn f(p: &str) -> bool { matches!(p, \"feishu\") }",
        "fn f(p: &str) -> bool { p.starts_with(\"feishu\") }",
        "fn f(p: &[u8]) -> bool { p == b\"feishu\" }",
        "fn f(p: &str) { log!(p == \"feishu\"); }",
        "fn f(p: &str) { select! { _ = g() => match p { \"feishu\" => 1, _ => 2 } } }",
    ] {
        for path in ["src/grants/mod.rs", "src/app.rs", "src/web/callback.rs", "src/platform/mod.rs"] {
            bad(path, text, "compared outside its folder");
        }
        good("src/platform/feishu/mod.rs", text);
    }
    good("src/app.rs", "fn f() { start(\"feishu\"); }");
}

#[test]
fn only_app_imports_config_and_main_imports_app() {
    bad("src/main.rs", "use cardkey::config::Config;", "main must not name config");
    bad("src/main.rs", "fn main() { cardkey::store::Store::open(); }", "main must not name store");
    bad("src/telemetry.rs", "use crate::config::Log;", "must not name config");
    bad("src/config/mod.rs", "use crate::platform::feishu::Config;", "must not name platform");
    bad("src/config/mod.rs", "use crate::vault::Keyring;", "must not name vault");
    bad("src/brandnew.rs", "use crate::domain::ids::AppId;", "stands in no row");
    good("src/main.rs", "use cardkey::app; fn main() { app::run(); cardkey::app::x(); }");
    good(
        "src/config/mod.rs",
        "use config::Config; use crate::domain::secret::Secret; use self::section::Web; mod section;",
    );
    good("src/app.rs", "use crate::config::Config; use crate::store::Store; use crate::platform::feishu;");
    good("src/app/tasks.rs", "use crate::config::Config;");
}

#[test]
fn dispatch_knows_only_the_inbox() {
    bad("src/dispatch.rs", "use crate::store::grants::GrantQuery;", "store::grants");
    bad("src/dispatch.rs", "use crate::access::Keys;", "must not name access");
    good("src/dispatch.rs", "use crate::store::{Accepted, Store, inbox}; use crate::auth_session::AuthSessions;");
}

#[test]
fn lower_modules_do_not_look_up() {
    bad("src/stream/connection.rs", "use crate::platform::Platform;", "must not name platform");
    bad("src/stream/connection.rs", "use crate::store::Store;", "must not name store");
    bad("src/vault/seal.rs", "use crate::store::Store;", "must not name store");
    bad("src/retry.rs", "use crate::stream::status;", "must not name stream");
    bad("src/jobs.rs", "use crate::grants::Grants;", "must not name grants");
    bad("src/metrics.rs", "use crate::domain::ids::AppId;", "must not name domain");
    bad("src/store/mod.rs", "use crate::grants::Grants;", "must not name grants");
    bad("src/web/mod.rs", "use migrations::Migrator;", "must not name the migrations");
}

#[test]
fn members_name_nothing_of_ours() {
    bad("sandbox/src/world.rs", "use cardkey::domain::ids::AppId;", "names the gateway");
    bad("sandbox/src/world.rs", "use cardkey_migrations::Migrator;", "must not name the migrations");
    bad("migrations/src/lib.rs", "fn f(_: cardkey::store::Store) {}", "names the gateway");
    good("sandbox/src/world.rs", "use axum::Router; use crate::clock::Clock;");
    good("migrations/src/lib.rs", "use sea_orm_migration::prelude::*;");
}

#[test]
fn nobody_climbs_twice() {
    for text in ["use super::super::x;", "use super::{super::x};", "fn f() { super::super::g(); }"] {
        bad("src/web/a/b.rs", text, "super::super");
        bad("sandbox/src/a/b.rs", text, "super::super");
        assert_eq!(climbs("tests/it/x.rs", text).len(), 1, "{text}");
    }
    bad("src/web/a/b.rs", "#[cfg(test)] mod tests { use super::super::x; }", "super::super");
}

#[test]
fn test_code_is_free_and_only_test_code_is() {
    good("src/domain/ids.rs", "#[cfg(test)] mod tests { use super::*; use tokio::time; async fn f() {} }");
    good("src/stream/connection.rs", "#[cfg(test)] use crate::platform::feishu::codec;");
    good("src/grants/mod.rs", "impl S { #[cfg(test)] fn f() { crate::platform::feishu::x(); } }");
    bad("src/domain/ids.rs", "#[cfg(not(test))] mod real { use tokio::time; }", "domain must not name tokio");
    assert!(check("src/domain/fakes.rs", "use tokio::time;", true).is_empty());
}

#[test]
fn sizes_and_names_are_measured() {
    let long = |lines: usize, tests: usize| {
        let block = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// test\n".repeat(tests.saturating_sub(3)));
        "// line\n".repeat(lines) + if tests > 0 { &block } else { "" }
    };
    assert!(files::over_budget("src/a.rs", &long(300, 100), false).is_none());
    assert!(files::over_budget("src/a.rs", &long(301, 0), false).is_some());
    assert!(files::over_budget("src/a.rs", &long(200, 201), false).is_some());
    assert!(files::over_budget("src/a/tests.rs", &long(399, 0), true).is_none());
    assert_eq!(files::test_lines(&long(10, 50)), 50);
    for name in ["src/util.rs", "src/web/utils/mod.rs", "src/http_helpers.rs", "tests/it/common.rs", "src/manager.rs"] {
        assert!(files::says_nothing(name), "{name}");
    }
    assert!(!files::says_nothing("src/platform/app_token.rs"));
    bad("src/web/mod.rs", "mod util {}", "says nothing");
}

#[test]
fn manifests_are_read() {
    let found = files::dependencies(
        "[dependencies]\na = \"1\"\nb = { package = \"c-d\", path = \"x\" }\n[dev-dependencies]\ne.workspace = true",
    );
    assert_eq!(found, ["a", "c-d", "e"]);
}
