//! SQLite on a disk that fails: what cannot be written down is not sent, readiness says so, and it goes on when it can.

use std::process::Command;

use cardkey_sandbox::ALICE;
use serde_json::json;

use super::{READ, refresh, short_lives};
use crate::harness::{Failing, Process, World};

/// What SQLite's own check says of the database.
fn check(world: &World) -> String {
    let file = world.directory.path().join("cardkey.db");
    let output = Command::new("sqlite3").arg(file).arg("PRAGMA integrity_check").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Alice has granted, to a process whose disk can fail.
async fn granted() -> (World, Process) {
    let mut world = World::with_binary(short_lives()).await;
    world.let_the_disk_fail();
    let process = world.start_process().await;
    assert_eq!(world.granted(READ).await.status, 200);
    (world, process)
}

async fn over(world: World, process: Process) {
    world.nothing_is_lost_or_sent_twice().await;
    assert_eq!(world.messages(ALICE).await.len(), 0, "nobody is asked");
    process.stop().await;
    assert_eq!(check(&world), "ok");
    world.end().await;
}

/// While no intent can be written none is sent, and readiness is red.
async fn nothing_is_sent_while(how: Failing) {
    let (world, process) = granted().await;
    world.disk_fails(how);
    world.readiness_is("storage unavailable").await;
    process.logs("no refresh is started").await;
    let before = world.sends();
    process.logs_times("no refresh is started", 3).await;
    assert_eq!(world.sends(), before, "no send without an intent");
    assert_eq!(world.send(world.http.get(world.url("/readyz"))).await.status, 503);
    world.disk_recovers();
    world.readiness_is("ok").await;
    world.comes_to(2).await;
    over(world, process).await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_disk_is_full() {
    nothing_is_sent_while(Failing::Full).await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_disk_can_only_be_read() {
    nothing_is_sent_while(Failing::ReadOnly).await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_disk_does_not_keep_what_is_written() {
    nothing_is_sent_while(Failing::Broken).await;
}

#[tokio::test]
async fn a_pair_that_comes_while_the_disk_is_full_is_kept_in_memory_until_it_fits() {
    let (world, process) = granted().await;
    world.spoil_refreshes(1, json!({ "kind": "hold", "act": true })).await;
    world.sandbox.feishu().journal.wait_for(1, |entry| refresh(entry) && entry.outcome.is_some()).await;
    world.disk_fails(Failing::Full);
    world.release().await;
    process.logs("a new pair is only in memory").await;
    assert_eq!(world.grants().await[0]["generation"], 1);
    world.disk_recovers();
    world.comes_to(2).await;
    over(world, process).await;
}
