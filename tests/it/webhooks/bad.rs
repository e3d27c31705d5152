//! Webhooks that are refused, each with its status and its problem. After all of them the true one still works: they
//! changed nothing.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use cardkey_sandbox::feishu::webhook::letter::{Letter, Seals};
use serde_json::{Value, json};

use super::{READ, envelope, rejection};
use crate::harness::{APP, OTHER_APP, Reply, Setup, World, seals};

/// A refused request: what it is, where to, what, its status and problem, and the word it is counted under.
type Row = (&'static str, String, Letter, u16, &'static str, &'static str);

/// What is posted to the app's own address.
type Own = (&'static str, Letter, u16, &'static str, &'static str);

/// A letter with one header changed, or left out.
fn with(letter: &Letter, name: &str, value: Option<&str>) -> Letter {
    let headers = letter.headers.iter().filter_map(|(known, old)| {
        let kept = if *known == name { value? } else { old };
        Some((*known, kept.to_owned()))
    });
    Letter { headers: headers.collect(), ..letter.clone() }
}

fn unsigned(body: String) -> Letter {
    Letter { headers: Vec::new(), body }
}

/// Signed with the app's key, the body as it is.
fn signed(world: &World, body: &str) -> Letter {
    let now_ms = u64::try_from(world.sandbox.feishu().clock.now_ms()).unwrap();
    seals(crate::harness::ENCRYPT_KEY).signed(now_ms, body.to_owned())
}

fn signatures(world: &World, tap: &Value) -> Vec<Own> {
    let letter = world.letter(tap);
    let spaced = letter.body.replace("\":\"", "\": \"");
    let now_ms = u64::try_from(world.sandbox.feishu().clock.now_ms()).unwrap();
    let other_key = seals("another-key-of-another-app").event(tap.to_string().as_bytes(), now_ms);
    let plain = Seals { encrypt_key: None, ..seals("") }.event(tap.to_string().as_bytes(), now_ms);
    let old_form = seals("").old_click(tap, now_ms);
    vec![
        ("unsigned, sealed", unsigned(letter.body.clone()), 401, "webhook-unsigned", "unsigned"),
        ("unsigned, open", plain, 401, "webhook-unsigned", "unsigned"),
        ("no signature", with(&letter, "x-lark-signature", None), 401, "webhook-unsigned", "unsigned"),
        ("no time", with(&letter, "x-lark-request-timestamp", None), 401, "webhook-unsigned", "unsigned"),
        ("no nonce", with(&letter, "x-lark-request-nonce", None), 401, "webhook-unsigned", "unsigned"),
        ("empty signature", with(&letter, "x-lark-signature", Some("")), 401, "webhook-unsigned", "unsigned"),
        (
            "another signature",
            with(&letter, "x-lark-signature", Some(&"0".repeat(64))),
            401,
            "webhook-signature",
            "signature",
        ),
        ("another nonce", with(&letter, "x-lark-request-nonce", Some("n")), 401, "webhook-signature", "signature"),
        ("re-serialised", Letter { body: spaced, ..letter.clone() }, 401, "webhook-signature", "signature"),
        ("wrong encrypt key", other_key, 401, "webhook-signature", "signature"),
        ("an event signed as the older form is", old_form, 401, "webhook-signature", "signature"),
        ("six minutes old", world.letter_later(tap, -360), 401, "webhook-stale", "stale"),
        ("six minutes ahead", world.letter_later(tap, 360), 401, "webhook-stale", "stale"),
    ]
}

fn bodies(world: &World, tap: &Value) -> Vec<Own> {
    let changed = |path: &str, value: Value| {
        let mut envelope = tap.clone();
        envelope["header"][path] = value;
        world.letter(&envelope)
    };
    let now_ms = u64::try_from(world.sandbox.feishu().clock.now_ms()).unwrap();
    let sealed_elsewhere = seals("another-key-of-another-app").event(tap.to_string().as_bytes(), now_ms).body;
    let large = format!("{{\"encrypt\":\"{}\"}}", "A".repeat(256 * 1024));
    let question = json!({ "type": "url_verification", "challenge": "c", "token": "t" }).to_string();
    vec![
        ("another app in it", changed("app_id", json!(OTHER_APP)), 403, "webhook-wrong-app", "wrong_app"),
        ("no app in it", changed("app_id", Value::Null), 403, "webhook-wrong-app", "wrong_app"),
        ("another token in it", changed("token", json!("another")), 401, "webhook-token", "token"),
        ("no token in it", changed("token", Value::Null), 401, "webhook-token", "token"),
        ("a signed question with another token", signed(world, &question), 401, "webhook-token", "token"),
        ("an open question", unsigned(question), 401, "webhook-unsigned", "unsigned"),
        ("no JSON", signed(world, "{"), 400, "invalid-request", "unreadable"),
        ("nothing", signed(world, ""), 400, "invalid-request", "unreadable"),
        ("a list", signed(world, "[]"), 400, "invalid-request", "unreadable"),
        ("JSON of nobody's", signed(world, "{\"a\":1}"), 400, "invalid-request", "unreadable"),
        ("sealed with another key", signed(world, &sealed_elsewhere), 400, "invalid-request", "unreadable"),
        ("sealed wrongly", signed(world, "{\"encrypt\":\"AAAA\"}"), 400, "invalid-request", "unreadable"),
        ("too large", signed(world, &large), 413, "too-large", "too_large"),
    ]
}

fn rows(world: &World, tap: &Value) -> Vec<Row> {
    let own = [signatures(world, tap), bodies(world, tap)].concat();
    own.into_iter()
        .map(|(name, letter, status, problem, word)| (name, world.webhook_url(), letter, status, problem, word))
        .collect()
}

fn assert_refused(name: &str, reply: &Reply, status: u16, problem: &str) {
    assert_eq!((reply.status, reply.problem().as_str()), (status, problem), "{name}: {}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{name}");
    assert_eq!(reply.header("www-authenticate") == "Signature", status == 401, "{name}");
}

#[tokio::test]
async fn each_is_refused_counted_and_changes_nothing() {
    let world = World::with(Setup::webhook()).await;
    let session = world.ask(READ).await.session();
    let tap = rejection("tap", &world.card_turns(ALICE, "blue").await);
    let before = world.standing(&session).await;
    for (name, url, letter, status, problem, word) in rows(&world, &tap) {
        let (refusals, counted) = (world.refusals(), world.webhook_requests(word).await);
        let reply = world.post_letter_to(&url, &letter).await;
        assert_refused(name, &reply, status, problem);
        assert_eq!(world.webhook_requests(word).await, counted + 1, "{name}");
        assert_eq!(world.refusals(), refusals + 1, "{name}: one line in the audit trail");
        assert_eq!((world.events("new").await, world.standing(&session).await), (0, before.clone()), "{name}");
    }
    let letter = world.letter(&tap);
    assert_eq!(world.post_letter(&letter).await.status, 200, "what was refused burnt nothing");
    assert_eq!((world.status(&session).await.as_str(), world.events("new").await), ("rejected", 1));
    for _ in 0..2 {
        assert_refused("replayed", &world.post_letter(&letter).await, 409, "webhook-replayed");
    }
    assert_eq!((world.webhook_requests("replayed").await, world.events("duplicate").await), (2, 0));
    world.end().await;
}

#[tokio::test]
async fn a_replay_after_a_restart_is_known_by_its_event_and_after_five_minutes_by_its_time() {
    let mut world = World::with(Setup::webhook()).await;
    let letter = world.letter(&envelope("event"));
    assert_eq!(world.post_letter(&letter).await.status, 200);
    world.restart_gateway().await;
    assert_eq!(world.post_letter(&letter).await.status, 200);
    assert_eq!((world.events("new").await, world.events("duplicate").await), (0, 1));
    world.advance(Duration::from_secs(301)).await;
    assert_refused("late", &world.post_letter(&letter).await, 401, "webhook-stale");
    world.end().await;
}

#[tokio::test]
async fn who_is_not_configured_and_what_is_encoded() {
    let world = World::with(Setup { two_apps: true, ..Setup::webhook() }.with_second_app_at_the_platform()).await;
    let letter = world.letter(&envelope("event"));
    for (path, problem) in [
        (format!("/events/feishu/{OTHER_APP}"), "webhook-off"),
        ("/events/feishu/cli_ffffffffffffffff".to_owned(), "unknown-app"),
        (format!("/events/other/{APP}"), "unknown-app"),
        (format!("/events/feishu/{}", "x".repeat(200)), "unknown-app"),
        ("/events/feishu/%ff".to_owned(), "unknown-app"),
    ] {
        assert_refused(&path, &world.post_letter_to(&world.url(&path), &letter).await, 404, problem);
    }
    let series =
        |app: &str, word: &str| format!("cardkey_webhook_requests_total{{app_id=\"{app}\",outcome=\"{word}\"}}");
    assert_eq!(world.count(&series("", "unknown_app")).await, 4);
    assert_eq!(world.count(&series(OTHER_APP, "off")).await, 1);

    let request = world.http.post(world.webhook_url()).header("content-encoding", "gzip").body(letter.body.clone());
    assert_refused("encoded", &world.send(request).await, 415, "unsupported-media-type");
    assert_eq!(world.webhook_requests("encoded").await, 1);
    let reply = world.send(world.http.get(world.webhook_url())).await;
    assert_eq!((reply.status, reply.problem().as_str()), (405, "method-not-allowed"));
    assert_eq!(world.events("new").await, 0);
    world.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut setup = Setup::webhook();
    setup.limits.body = Duration::from_millis(50);
    let world = World::with(setup).await;
    let head =
        format!("POST /events/feishu/{APP} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n");
    let answer = world.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("urn:cardkey:problem:too-slow"), "{answer}");
    assert_eq!(world.webhook_requests("too_slow").await, 1);
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_so_that_it_comes_again() {
    let world = World::with(Setup::webhook()).await;
    world.gateway().store().close().await;
    let letter = world.letter(&envelope("event"));
    for times in 1..=2 {
        assert_refused("the same again", &world.post_letter(&letter).await, 503, "event-not-taken");
        assert_eq!((world.webhook_requests("not_taken").await, world.events("failed").await), (times, times));
    }
    world.end().await;
}
