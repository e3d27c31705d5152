//! The real binary, killed with SIGKILL while it refreshes: the refresh token is sent again when that is right, the person is
//! asked when the token died with the answer, and nothing is ever stuck. The crash points are those of the refresh protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, Lifetimes, Options};
use serde_json::json;

use crate::harness::{Process, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// The folder of the spool, as the configuration names it.
const SPOOL: &str = "elsewhere";

/// Access tokens of four seconds: the gateway refreshes after two.
fn short_lives() -> Setup {
    let lifetimes = Lifetimes { access_token_s: 4, ..Lifetimes::default() };
    let sandbox = Options { lifetimes, ..Options::default() };
    Setup { sandbox, ..Setup::default() }.variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5")
}

fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

/// A world whose only person has granted, and whose next refreshes are held; `act` says whether the platform works first.
async fn granted_and_held(act: bool) -> (World, Process) {
    held_with(short_lives(), act).await
}

async fn held_with(setup: Setup, act: bool) -> (World, Process) {
    let world = World::with_binary(setup).await;
    let process = world.start_process().await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold", "act": act } })).await;
    assert_eq!(world.granted(READ).await.status, 200);
    (world, process)
}

/// How many refresh tokens of the person live at the platform.
async fn live_refresh_tokens(world: &World) -> usize {
    let held = world.look(&format!("grants?open_id={ALICE}")).await;
    held["live_refresh_tokens"].as_array().unwrap().len()
}

async fn over(world: World, process: Process) {
    world.metrics().await;
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn c3_the_platform_had_not_worked_yet_and_the_token_is_sent_again() {
    let (world, process) = granted_and_held(false).await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    process.kill().await;

    let process = world.start_process().await;
    let entries = world.sandbox.feishu().journal.wait_for(2, refresh).await;
    assert_eq!(entries[0].call.sent["refresh_token"], entries[1].call.sent["refresh_token"], "the same token");
    world.until(async || world.grants().await[0]["generation"].as_u64().unwrap() >= 2).await;
    assert_eq!(world.grants().await[0]["status"], "active");
    assert_eq!(world.messages(ALICE).await.len(), 0, "nobody is asked");
    over(world, process).await;
}

#[tokio::test]
async fn c5_the_platform_had_worked_and_the_person_is_asked_for_what_was_lost() {
    let (world, process) = granted_and_held(true).await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    world.until(async || world.live_tokens(ALICE).await == 2).await;
    process.kill().await;

    let process = world.start_process().await;
    world.until(async || world.grants().await[0]["status"] == "needs_consent").await;
    let sends = world.sandbox.feishu().journal.read(0, refresh).len();
    assert_eq!(sends, 2, "I19: sent once more, and not again after the denial");
    let reply = world.ask(READ).await;
    assert!(matches!(reply.status, 200 | 202), "the old access token serves until its end: {}", reply.text);
    over(world, process).await;
}

/// A world whose gateway was killed when it had a pair in its spool that the database had not taken.
async fn killed_with_a_spooled_pair() -> World {
    let setup = short_lives().variable("CARDKEY_REFRESH__SPOOL", SPOOL);
    let (world, process) = held_with(setup, true).await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    let lock = lock_database(&world);
    world
        .until(async || {
            // What is held a moment later is let go of a moment later.
            world.release().await;
            process.count("a new pair lies in the spool") == 1
        })
        .await;
    assert_eq!(world.count("cardkey_refresh_spooled_total").await, 1);
    assert_eq!(spooled(&world), 1, "where the setting says");
    process.kill().await;
    unlock(lock);
    world
}

/// How many files lie in the spool.
fn spooled(world: &World) -> usize {
    std::fs::read_dir(world.directory.path().join(SPOOL)).unwrap().count()
}

#[tokio::test]
async fn c8_a_pair_that_the_database_does_not_take_survives_the_kill_in_the_spool() {
    let world = killed_with_a_spooled_pair().await;
    let process = world.start_process().await;
    process.logs("a spooled pair was put in its place").await;
    world.until(async || world.grants().await[0]["generation"].as_u64().unwrap() >= 2).await;
    assert_eq!(world.grants().await[0]["status"], "active", "I4");
    assert_eq!(spooled(&world), 0, "taken out");
    over(world, process).await;
}

#[tokio::test]
async fn a_spooled_pair_whose_grant_was_deleted_meanwhile_is_ended_at_the_platform() {
    let world = killed_with_a_spooled_pair().await;
    assert_eq!(live_refresh_tokens(&world).await, 1, "the pair lives");
    let delete =
        Command::new("sqlite3").arg(world.directory.path().join("cardkey.db")).arg("DELETE FROM grants").status();
    assert!(delete.unwrap().success());
    let process = world.start_process().await;
    world.until(async || spooled(&world) == 0).await;
    assert_eq!(live_refresh_tokens(&world).await, 0, "it is nobody's");
    assert_eq!(process.count("its grant is gone, and the pair is ended"), 1);
    over(world, process).await;
}

/// Another program writes into the database and does not end.
fn lock_database(world: &World) -> Child {
    let mut command = Command::new("sqlite3");
    command.arg(world.directory.path().join("cardkey.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b".timeout 20000\nBEGIN IMMEDIATE;\nSELECT 'locked';\n").unwrap();
    child.stdin.as_mut().unwrap().flush().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "locked\n");
    child
}

fn unlock(mut child: Child) {
    child.stdin.take().unwrap().write_all(b"ROLLBACK;\n.quit\n").unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn sigterm_lets_a_refresh_finish_and_loses_nothing() {
    let (world, mut process) = granted_and_held(true).await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    process.terminate();
    process.logs("SIGTERM: finishing work in flight").await;
    world.release().await;
    assert_eq!(process.ended().await.code(), Some(0));
    let process = world.start_process().await;
    world.until(async || world.grants().await[0]["generation"].as_u64().unwrap() >= 2).await;
    assert_eq!(world.grants().await[0]["status"], "active", "chaos 67");
    assert_eq!(live_refresh_tokens(&world).await, 1);
    over(world, process).await;
}
