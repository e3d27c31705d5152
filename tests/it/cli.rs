//! The command line: what a refused start says, in which exit code; keys, migrate, check-config.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use sea_orm::{ConnectionTrait as _, Database};

use crate::harness::{APP, MASTER_KEY, SCOPES, Setup, World};

/// The configuration is wrong.
const CONFIGURATION: i32 = 3;
/// The database cannot be used.
const DATABASE: i32 = 4;
/// An address is taken.
const LISTEN: i32 = 5;
/// The command cannot be done as asked.
const COMMAND: i32 = 1;
/// The command line is wrong.
const USAGE: i32 = 2;

/// A sandbox and a configuration file; logs as they are by default.
async fn world() -> World {
    let world = World::without_gateway(Setup::default().variable("CARDKEY_LOG__LEVEL", "info")).await;
    world.write_config();
    world
}

/// Changes the configuration file.
fn edit(world: &World, from: &str, to: &str) {
    let path = world.config_path();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is in {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program ended with this code and one line that holds these words.
#[track_caller]
fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("cardkey: ")).count(), 1, "{text}");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

/// As [`assert_refused`] for configurations, whose problems have a line each.
#[track_caller]
fn assert_misconfigured(output: &Output, keys: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(CONFIGURATION), "{text}");
    assert!(text.starts_with("cardkey: the configuration cannot be used:\n"), "{text}");
    let found: Vec<_> = text.lines().skip(1).map(|line| line.trim().split(": ").next().unwrap()).collect();
    assert_eq!(found, keys, "{text}");
}

#[tokio::test]
async fn a_port_in_use() {
    let world = world().await;
    let taken = TcpListener::bind((world.ip, 8080)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(&world.run(&["serve"]).await, LISTEN, &[&address, "is another process using this port?"]);
    world.end().await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written() {
    let world = world().await;
    // Who runs the tests may be allowed everything, but nobody can make a folder inside a file.
    fs::write(world.directory.path().join("occupied"), "").unwrap();
    edit(&world, "/cardkey.db", "/occupied/cardkey.db");
    for command in [&["serve"][..], &["migrate"], &["keys", "list"]] {
        assert_refused(&world.run(command).await, DATABASE, &["/occupied"]);
    }
    world.end().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let world = world().await;
    assert!(world.run(&["migrate"]).await.status.success());
    let url = format!("sqlite://{}/cardkey.db", world.directory.path().display());
    let database = Database::connect(url).await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_future', 0)";
    database.execute_unprepared(newer).await.unwrap();
    database.close().await.unwrap();
    for command in [&["serve"][..], &["migrate"], &["keys", "list"]] {
        assert_refused(&world.run(command).await, DATABASE, &["newer version", "m99990101_000001_future"]);
    }
    world.end().await;
}

#[tokio::test]
async fn a_wrong_a_missing_and_a_broken_master_key() {
    let world = world().await;
    assert!(world.run(&["migrate"]).await.status.success());
    let other = "QW5vdGhlci1rZXktdGhhdC1pcy0zMi1ieXRlcy1sb24=";
    let ours = MASTER_KEY;

    edit(&world, &format!("k1:{ours}"), &format!("k1:{other}"));
    assert_refused(&world.run(&["serve"]).await, DATABASE, &["key `k1`", "not the key"]);
    edit(&world, &format!("k1:{other}"), &format!("k2:{other}"));
    assert_refused(&world.run(&["serve"]).await, DATABASE, &["key `k1`", "not in the keyring"]);
    edit(&world, &format!("k2:{other}"), &format!("k2:{other},k1:{ours}"));
    let process = world.start_process().await;
    process.stop().await;
    edit(&world, &format!("k2:{other},k1:{ours}"), "k1:AAAA");
    assert_refused(&world.run(&["serve"]).await, CONFIGURATION, &["the master key cannot be used"]);
    edit(&world, "master_key = \"k1:AAAA\"", "");
    assert_misconfigured(&world.run(&["serve"]).await, &["vault.master_key"]);
    edit(&world, "[vault]", "[vault]\nmaster_key_file = \"nowhere.key\"");
    assert_refused(&world.run(&["serve"]).await, CONFIGURATION, &["nowhere.key cannot be read"]);
    world.end().await;
}

#[tokio::test]
async fn everything_wrong_with_the_configuration_is_said_at_once() {
    let world = world().await;
    let config = world.config_path();
    let config = config.to_str().unwrap();
    let without_demo = world.finish(world.command(&["serve", "--config", config])).await;
    assert_misconfigured(&without_demo, &["apps[0].app_secret"]);
    assert!(stderr(&without_demo).contains("placeholder"));

    edit(&world, "[server]", "[server]\nlissten = \"x\"");
    edit(&world, "code = \"redirect\"", "code = \"carrier pigeon\"");
    let mut command = world.command(&["check-config", "--demo", "--config", config]);
    command.env("AUTH_CARD_COLOUR", "pink").env("AUTH_REQUEST_RATE_LIMIT", "none");
    let wrong = ["AUTH_CARD_COLOUR", "server.lissten", "auth.request_rate_limit", "apps[0].code"];
    assert_misconfigured(&world.finish(command).await, &wrong);
    fs::remove_file(config).unwrap();
    assert_misconfigured(&world.run(&["serve"]).await, &[config]);
    world.end().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_database() {
    let world = world().await;
    let process = world.start_process().await;
    edit(&world, ":8080\"\n", ":8081\"\n");
    assert_refused(&world.run(&["serve"]).await, DATABASE, &["another cardkey process serves this database"]);
    process.kill().await;
    let process = world.start_process().await;
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn a_key_is_made_listed_and_ended_beside_a_running_gateway() {
    let mut world = world().await;
    let process = world.start_process().await;
    let create = ["keys", "create", "--name", "reports", "--app", APP, "--scopes", SCOPES];
    let made = world.run(&create).await;
    assert!(made.status.success(), "{}", stderr(&made));
    world.key = String::from_utf8(made.stdout).unwrap().trim_end().to_owned();
    assert_eq!(world.key.lines().count(), 1, "nothing else is on standard output");
    assert_eq!(world.get("/v1/grants").await.status, 200);

    let id = world.key.split('_').nth(1).unwrap().to_owned();
    let listed = String::from_utf8(world.run(&["keys", "list"]).await.stdout).unwrap();
    world.seen.lock().unwrap().push(listed.clone());
    assert!(listed.contains(&id) && listed.contains("reports") && listed.contains(APP), "{listed}");
    assert!(listed.contains("active") && !listed.contains("revoked"), "{listed}");

    assert!(world.run(&["keys", "revoke", &id]).await.status.success());
    let refused = world.get("/v1/grants").await;
    assert_eq!((refused.status, refused.problem().as_str()), (401, "unauthorized"), "at once");
    let listed = String::from_utf8(world.run(&["keys", "list"]).await.stdout).unwrap();
    assert!(listed.contains("revoked") && !listed.contains("active"), "{listed}");
    assert_refused(&world.run(&["keys", "revoke", &id]).await, COMMAND, &["there is no API key", &id]);
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn a_key_for_nothing_is_not_made() {
    let world = world().await;
    assert!(world.run(&["migrate"]).await.status.success());
    let create = |name: &'static str, app: &'static str, scopes: &'static str| {
        ["keys", "create", "--name", name, "--app", app, "--scopes", scopes]
    };
    assert_refused(&world.run(&create("x", "cli_other", "a")).await, COMMAND, &["no app cli_other is configured"]);
    assert_refused(&world.run(&create("x", APP, " ")).await, COMMAND, &["--scopes"]);
    assert_refused(&world.run(&create("", APP, "a")).await, COMMAND, &["--name"]);
    assert_refused(&world.run(&["keys", "revoke", "nobody"]).await, COMMAND, &["there is no API key nobody"]);
    for usage in [&["keys", "create", "--name", "x"][..], &["keys"], &["sing"], &[]] {
        assert_eq!(world.run(usage).await.status.code(), Some(USAGE), "{usage:?}");
    }
    assert_eq!(world.run(&["keys", "list"]).await.stdout, b"");
    world.end().await;
}

#[tokio::test]
async fn check_config_touches_nothing() {
    let world = world().await;
    let checked = world.run(&["check-config"]).await;
    assert_eq!((checked.status.code(), checked.stdout.as_slice()), (Some(0), &b"the configuration is usable\n"[..]));
    assert!(!world.directory.path().join("cardkey.db").exists());
    assert!(world.sandbox.feishu().journal.read(0, |_| true).is_empty(), "and asks nobody");

    edit(&world, "code = \"redirect\"", "code = \"redirect\"\nca_file = \"nowhere.pem\"");
    let checked = world.run(&["check-config"]).await;
    assert_refused(&checked, CONFIGURATION, &["nowhere.pem"]);
    world.end().await;
}

#[tokio::test]
async fn one_app_runs_from_the_environment_alone() {
    let world = World::without_gateway(Setup::default()).await;
    let sandbox = world.sandbox.base_url();
    let mut command = world.command(&["check-config", "--demo"]);
    command.env("CARDKEY_VAULT__MASTER_KEY", format!("k1:{MASTER_KEY}"));
    command.env("CARDKEY_APP__APP_ID", APP).env("CARDKEY_APP__APP_SECRET", cardkey_sandbox::DEFAULT_APP_SECRET);
    command.env("CARDKEY_APP__OPEN_URL", &sandbox).env("CARDKEY_APP__ACCOUNTS_URL", &sandbox);
    command.env("CARDKEY_APP__CODE", "device");
    let checked = world.finish(command).await;
    assert!(checked.status.success(), "{}", stderr(&checked));
    world.end().await;
}

#[tokio::test]
async fn migrate_makes_the_database_and_can_be_repeated() {
    let world = world().await;
    for _ in 0..2 {
        let migrated = world.run(&["migrate"]).await;
        assert!(migrated.status.success(), "{}", stderr(&migrated));
        assert!(world.directory.path().join("cardkey.db").exists());
    }
    world.end().await;
}
