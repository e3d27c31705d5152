//! What takes its real time: slow answers with the standard settings, and a crowd behind the platform's limit. Ignored in
//! `make test`, where the same is shown smaller; run by `make test-long`.

use std::time::Duration;

use cardkey_sandbox::{ALICE, TokenLimit};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::Instant;

use super::READ;
use crate::harness::{APP, Setup, World};

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

/// Alice's token is over and the platform, which works at once, takes so long to answer; the world, and how long a caller waits.
async fn answered_after(seconds: u64) -> (World, Duration) {
    let world = World::with(Setup { refreshes_by_itself: true, ..Setup::default() }).await;
    world.granted(READ).await;
    world.spoil_refreshes(1, json!({ "kind": "delay", "ms": seconds * 1_000, "act": true })).await;
    world.advance(OVER).await;
    let begun = Instant::now();
    let reply = world.ask(READ).await;
    assert_eq!((reply.status, reply.problem().as_str()), (503, "platform-unavailable"), "{}", reply.text);
    assert_ne!(reply.header("retry-after"), "");
    (world, begun.elapsed())
}

#[tokio::test]
#[ignore = "takes its real time: make test-long"]
async fn an_answer_after_thirty_seconds_is_saved_and_given_at_the_next_try() {
    let (world, waited) = answered_after(30).await;
    println!("a caller was told after {:.1} s to come again", waited.as_secs_f64());
    assert!(waited < Duration::from_secs(12), "{waited:?}");
    world.comes_to(2).await;
    assert_eq!(world.ask(READ).await.status, 200);
    assert_eq!(world.sends(), 1);
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}

#[tokio::test]
#[ignore = "takes its real time: make test-long"]
async fn an_answer_after_seventy_seconds_is_unclear_and_found_to_be_lost() {
    let (world, _) = answered_after(70).await;
    let begun = Instant::now();
    // The answer is given up after a minute; `until` waits no longer than that.
    world.metric_becomes(&super::outcome("unclear"), 1.0).await;
    println!("given up after {:.1} s more", begun.elapsed().as_secs_f64());
    world.until(async || world.grants().await[0]["status"] == "needs_consent").await;
    world.card_turns(ALICE, "blue").await;
    assert_eq!(world.sends(), 2, "sent once more, and a denial is final");
    world.end().await;
}

const TOKENS: usize = 10_000;
const CALLERS: usize = 1_000;

/// So many leave at once, and then one after each of these: what keeps to 50 a second and 1,000 a minute.
const BURST: f64 = 33.0;
const INTERVAL: f64 = 60.0 / 967.0;

/// Asks again and again, as a caller does that is told to come again; how long it took.
async fn waits(world: &World, person: &str) -> Duration {
    let begun = Instant::now();
    while world.ask_for(person, READ, &json!({})).await.status != 200 {}
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten thousand refreshes at a thousand a minute: make test-long"]
async fn ten_thousand_tokens_end_at_once_and_a_thousand_callers_want_theirs() {
    let mut setup = Setup { refreshes_by_itself: true, ..Setup::default() };
    setup.sandbox.generated_people = TOKENS;
    setup.sandbox.rate_limits = false;
    let world = World::with(setup).await;
    let people = world.crowd();
    let consents = people.iter().map(|person| world.consented_for(APP, person));
    futures_util::stream::iter(consents).buffer_unordered(8).collect::<Vec<_>>().await;
    world.control("rate_limits", &json!({ "enabled": true, "token_endpoint": TokenLimit::Http429 })).await;
    world.advance(OVER).await;
    let callers = people.iter().rev().take(CALLERS);
    let mut waited = futures_util::future::join_all(callers.map(|person| waits(&world, person))).await;
    waited.sort_unstable();
    let last = CALLERS * 99 / 100;
    let p99 = waited[last - 1].as_secs_f64();
    let predicted = (f64::from(u32::try_from(last).unwrap()) - BURST) * INTERVAL;
    println!("{CALLERS} callers: p99 {p99:.1} s, predicted {predicted:.1} s");
    let since = Instant::now();
    while world.sends() < TOKENS || world.gateway().grants.under_way() > 0 {
        assert!(since.elapsed() < Duration::from_mins(15), "{} of {TOKENS}", world.sends());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let judged = world.look("judge").await;
    println!("{}", judged["apps"]);
    assert_eq!((world.sends(), &judged["totals"]["limited"]), (TOKENS, &json!(0)), "one send each");
    assert!(judged["apps"][0]["most_sends_in_1s"].as_u64().unwrap() <= 50, "I17");
    assert!(judged["apps"][0]["most_sends_in_60s"].as_u64().unwrap() <= 1_000, "I17");
    assert!((p99 / predicted - 1.0).abs() <= 0.1, "{p99} instead of {predicted}");
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}
