//! `cardkey vault`: the real binary moves everything to a new key beside a gateway that works, and is killed meanwhile.
//! Chaos 60, E8, I22.

use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use cardkey_sandbox::journal::Entry;
use serde_json::json;

use crate::harness::{APP, MASTER_KEY, SCOPES, Setup, World};

/// Tables with sealed values.
const TABLES: usize = 6;

const READ: &[&str] = &["apaas:app:read"];
const NEW_KEY: &str = "QW5vdGhlci1rZXktdGhhdC1pcy0zMi1ieXRlcy1sb24=";

/// The command cannot be done as asked, or not wholly.
const COMMAND: i32 = 1;

on_each_database!(
    everything_moves_to_the_new_key_under_load_and_through_a_kill,
    a_gateway_that_does_not_know_the_new_key_is_not_left_behind,
    an_api_key_that_nobody_uses_keeps_the_old_key_until_it_is_used_or_revoked,
    status_says_what_each_key_is_for_and_changes_nothing,
);

fn old_ring() -> String {
    format!("k1:{MASTER_KEY}")
}

fn both_keys() -> String {
    format!("k2:{NEW_KEY},k1:{MASTER_KEY}")
}

fn new_ring() -> String {
    format!("k2:{NEW_KEY}")
}

/// Writes another key ring into the configuration.
fn change_ring(world: &World, from: &str, to: &str) {
    let path = world.config_path();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("\"{from}\"")), "{text}");
    std::fs::write(path, text.replace(&format!("\"{from}\""), &format!("\"{to}\""))).unwrap();
}

/// What it printed, its complaint and its exit code.
fn told(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

/// Runs `vault rotate` and kills it as soon as it has printed a line that begins so.
async fn killed_after(world: &World, begins: &'static str) {
    let config = world.config_path();
    let mut command = world.command(&["vault", "rotate", "--demo", "--config", config.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen = tokio::task::spawn_blocking(move || {
        let seen = lines.map_while(Result::ok).any(|line| line.starts_with(begins));
        child.kill().unwrap();
        child.wait().unwrap();
        seen
    });
    assert!(seen.await.unwrap(), "{begins:?} was not printed");
}

/// How many values of grants the key has sealed, as `vault status` says it.
fn grants_under(key: &str, status: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.split_once(": ")).unwrap_or_default().1;
    let count = line.split(", ").find_map(|part| part.strip_suffix(" values in grants"));
    count.map_or(0, |count| count.parse().unwrap())
}

/// Callers that ask for Alice's token, whose life is so short that it is refreshed every second, until told to end.
async fn work(world: &World, over: &AtomicBool) -> usize {
    let mut answered = 0;
    while !over.load(Ordering::Relaxed) {
        let reply = world.ask(READ).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        answered += 1;
    }
    answered
}

fn refreshes(world: &World) -> Vec<Entry> {
    world.sandbox.feishu().journal.read(0, |entry| entry.call.grant_type.as_deref() == Some("refresh_token"))
}

async fn everything_moves_to_the_new_key_under_load_and_through_a_kill() {
    let people = 2_000;
    let mut setup = Setup::default();
    setup.sandbox.lifetimes.access_token_s = 1;
    let world = World::with_binary(setup).await;
    world.seed(&old_ring(), people).await;
    let process = world.start_process().await;
    world.granted(READ).await;
    process.stop().await;
    change_ring(&world, &old_ring(), &both_keys());
    let process = world.start_process().await;

    let (before, over) = (refreshes(&world).len(), AtomicBool::new(false));
    let moved = async {
        killed_after(&world, "grants: 500 rows").await;
        let (status, ..) = told(&world.run(&["vault", "status"]).await);
        let resealed = grants_under("k2", &status);
        assert!(grants_under("k1", &status) > 0, "it was killed half-way: {status}");
        let rotated = told(&world.run(&["vault", "rotate"]).await);
        while refreshes(&world).len() < before + 3 {
            tokio::task::yield_now().await;
        }
        over.store(true, Ordering::Relaxed);
        (resealed, rotated)
    };
    let (answered, _, (resealed, (rotated, complaint, code))) =
        tokio::join!(work(&world, &over), work(&world, &over), moved);
    assert!(answered > 0);
    // Alice's own grant, among the first 500 or not, has no contact data.
    assert!(resealed >= 4 * 499, "what was printed before the kill was done: {resealed}");
    assert_eq!(code, Some(0), "{rotated}{complaint}");
    assert!(rotated.contains(&format!("grants: {} rows", people + 1)), "{rotated}");
    assert!(rotated.contains("k1 is not needed any more"), "{rotated}");
    assert_eq!(rotated.matches(" 0 left").count(), TABLES, "{rotated}");
    assert_eq!(process.count("does not open"), 0);

    process.stop().await;
    change_ring(&world, &both_keys(), &new_ring());
    let process = world.start_process().await;
    assert_eq!(world.ask(READ).await.status, 200, "the new key opens all, and the API key is good");
    assert!(refreshes(&world).iter().all(|entry| entry.outcome.is_some()), "every refresh was answered");
    assert_eq!(world.messages(cardkey_sandbox::ALICE).await.len(), 0, "nobody was asked again");
    let totals = world.sandbox.feishu().judge_settled().await.totals;
    assert_eq!((totals.double_sends, totals.overlapping_sends, totals.lost), (0, 0, 0), "I22");
    process.stop().await;
    world.seeded_grants_open(&new_ring(), people).await;
    world.end().await;
}

async fn a_gateway_that_does_not_know_the_new_key_is_not_left_behind() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    world.granted(READ).await;
    change_ring(&world, &old_ring(), &both_keys());
    let (printed, complaint, code) = told(&world.run(&["vault", "rotate"]).await);
    assert_eq!((printed.as_str(), code), ("", Some(COMMAND)), "{complaint}");
    assert!(complaint.contains("no gateway has been started with this key ring"), "{complaint}");
    assert_eq!(world.ask(READ).await.status, 200);
    process.stop().await;
    world.end().await;
}

async fn an_api_key_that_nobody_uses_keeps_the_old_key_until_it_is_used_or_revoked() {
    let world = World::with_binary(Setup::default()).await;
    let made = world.run(&["keys", "create", "--name", "idle", "--app", APP, "--scopes", SCOPES]).await;
    let idle = String::from_utf8(made.stdout).unwrap().split('_').nth(1).unwrap().to_owned();
    change_ring(&world, &old_ring(), &both_keys());
    let process = world.start_process().await;
    world.granted(READ).await;

    let (printed, complaint, code) = told(&world.run(&["vault", "rotate"]).await);
    assert_eq!(code, Some(COMMAND), "{printed}");
    assert!(complaint.starts_with("cardkey: older keys are needed still"), "{complaint}");
    assert!(printed.contains("k1 only opens: API keys") && printed.contains(&idle), "{printed}");
    let used = world.key.split('_').nth(1).unwrap();
    assert!(!printed.contains(used), "the one in use has moved: {printed}");

    assert!(world.run(&["keys", "revoke", &idle]).await.status.success());
    let (printed, complaint, code) = told(&world.run(&["vault", "rotate"]).await);
    assert_eq!((complaint.as_str(), code), ("", Some(0)), "{printed}");
    process.stop().await;
    change_ring(&world, &both_keys(), &new_ring());
    let process = world.start_process().await;
    let grants = world.get("/v1/grants").await;
    assert_eq!(grants.json()["grants"].as_array().map(Vec::len), Some(1), "{}", json!(grants.text));
    process.stop().await;
    world.end().await;
}

async fn status_says_what_each_key_is_for_and_changes_nothing() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&old_ring(), 3).await;
    change_ring(&world, &old_ring(), &both_keys());
    for _ in 0..2 {
        let (printed, complaint, code) = told(&world.run(&["vault", "status"]).await);
        assert_eq!((complaint.as_str(), code), ("", Some(0)));
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[0], "k2 seals; nothing is sealed yet");
        assert!(lines[1].starts_with("k1 only opens: 12 values in grants, API keys"), "{printed}");
        assert_eq!(lines.len(), 2);
    }
    world.end().await;
}
