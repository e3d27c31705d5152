//! Each variable that operators set, and what it changes: the same story with and without it.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{BlackHole, RefuseEndpoint, StreamFaults, StreamLogKind};
use cardkey_sandbox::{ALICE, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

async fn with(name: &str, value: &str) -> World {
    World::with(Setup::default().variable(name, value)).await
}

/// A gateway whose platform refuses every link from the start.
async fn cut_off(retries: &str) -> World {
    let mut world = World::without_gateway(Setup::default().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", retries)).await;
    let refuse = RefuseEndpoint { code: 1, msg: "away".to_owned(), times: None };
    world.stream().set_faults(StreamFaults { refuse_endpoint: Some(refuse), ..StreamFaults::default() });
    world.start_gateway().await;
    world
}

#[tokio::test]
async fn websocket_max_reconnect_retries_is_when_an_app_counts_as_degraded() {
    let degraded = format!("cardkey_stream_degraded{{app_id=\"{APP}\"}}");
    let world = cut_off("1").await;
    world.metric_becomes(&degraded, 1.0).await;
    assert_eq!(world.readiness_is("degraded").await["apps"][0]["stream"], "degraded");
    world.end().await;

    let world = cut_off("1000").await;
    world.called("endpoint", 5).await;
    assert_eq!(world.metric(&degraded).await, Some(0.0));
    assert_ne!(world.get("/readyz").await.json()["apps"][0]["stream"], "degraded");
    world.end().await;
}

#[tokio::test]
async fn websocket_heartbeat_interval_is_how_soon_a_dead_link_is_found() {
    let world = with("WEBSOCKET_HEARTBEAT_INTERVAL", "1").await;
    world.links(2).await;
    let since = world.sandbox.feishu().clock.now_ms();
    let hole = BlackHole { connection: Some(1), new: false };
    world.stream().set_faults(StreamFaults { black_hole: Some(hole), ..StreamFaults::default() });
    world.links(3).await;
    let log = world.stream().log();
    let third = log.iter().filter(|entry| matches!(entry.what, StreamLogKind::Connected { .. })).nth(2).unwrap();
    let took = i64::try_from(third.at_ms).unwrap() - since;
    assert!(took >= 1_500, "two and a half intervals of silence, the first of which had begun: {took} ms");
    assert!(took < 20_000, "the default interval of 10 s takes 15 s at the least: {took} ms");
    world.end().await;
}

#[tokio::test]
async fn auth_card_include_description_is_whether_the_card_says_what_for() {
    let words = ["Permissions asked for", "See the low-code apps"];
    for (value, says) in [("true", true), ("false", false)] {
        let world = with("AUTH_CARD_INCLUDE_DESCRIPTION", value).await;
        world.ask(READ).await;
        let card = world.card(ALICE).await["card"].to_string();
        assert_eq!(words.map(|words| card.contains(words)), [says; 2], "{value}: {card}");
        world.end().await;
    }
}

#[tokio::test]
async fn auth_card_template_id_is_the_card_in_place_of_ours() {
    let world = with("AUTH_CARD_TEMPLATE_ID", "AAqTemplate7").await;
    world.ask(READ).await;
    let card = world.card(ALICE).await["card"].to_string();
    assert!(card.contains("AAqTemplate7"), "{card}");
    world.end().await;

    let world = World::new().await;
    world.ask(READ).await;
    World::button(&world.card(ALICE).await, "authorize");
    world.end().await;
}

/// How much of the token's life had been used when it was refreshed, in per cent. Whatever a question started is waited for.
async fn refreshed_at(world: &World) -> u32 {
    world.granted(READ).await;
    let mut before = 0;
    for used in [40, 60, 75, 90] {
        world.advance(Duration::from_hours(2) * (used - before) / 100).await;
        before = used;
        assert_eq!(world.ask(READ).await.status, 200);
        world.until(async || world.gateway().grants.under_way() == 0).await;
        if world.calls("oauth_token").await > 1 {
            return used;
        }
    }
    0
}

#[tokio::test]
async fn auth_token_refresh_threshold_is_how_used_a_token_is_when_it_is_refreshed() {
    for (value, wanted) in [("0.5", 60), ("0.7", 75), ("0.8", 90)] {
        let world = with("AUTH_TOKEN_REFRESH_THRESHOLD", value).await;
        let used = refreshed_at(&world).await;
        assert_eq!(used, wanted, "{value}");
        world.end().await;
    }
}

#[tokio::test]
async fn auth_session_expiry_seconds_is_how_long_a_person_may_take() {
    let world = with("AUTH_SESSION_EXPIRY_SECONDS", "60").await;
    let session = world.ask(READ).await.session();
    world.advance(Duration::from_secs(59)).await;
    world.gateway().auth_sessions.run_expiry().await.unwrap();
    assert_eq!(world.status(&session).await, "pending");
    world.advance(Duration::from_secs(2)).await;
    world.gateway().auth_sessions.run_expiry().await.unwrap();
    assert_eq!(world.status(&session).await, "expired");
    world.end().await;
}

/// How many cards Alice gets within a minute when she rejects each at once.
async fn cards_in_a_minute(world: &World) -> usize {
    for asked in 0..10 {
        let reply = world.ask(READ).await;
        if reply.status == 429 {
            assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0);
            return asked;
        }
        let session = reply.session();
        let cancelled = world.post(&format!("/v1/auth-sessions/{session}/cancel"), &json!({})).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    }
    10
}

#[tokio::test]
async fn auth_request_rate_limit_is_how_many_cards_a_person_gets_a_minute() {
    let world = with("AUTH_REQUEST_RATE_LIMIT", "2").await;
    assert_eq!(cards_in_a_minute(&world).await, 2);
    world.end().await;
    let world = World::new().await;
    assert_eq!(cards_in_a_minute(&world).await, 5, "the default");
    world.end().await;
}

#[tokio::test]
async fn prometheus_port_is_where_the_metrics_are() {
    let mut world = with("PROMETHEUS_PORT", "8001").await;
    let at = |port: u16| world.http.get(format!("http://{}:{port}/metrics", world.ip)).send();
    assert_eq!(at(8001).await.unwrap().status(), 200);
    assert!(at(8000).await.is_err());
    // The scan at the end reads the metrics where they are by default.
    world.gateway.take().unwrap().stop().await;
    world.end().await;
}

#[tokio::test]
async fn log_json_format_is_json_in_place_of_text() {
    for (value, is_json) in [("true", true), ("false", false)] {
        let world = World::with_binary(Setup::default().variable("LOG_JSON_FORMAT", value)).await;
        let process = world.start_process().await;
        let line = process.logs("cardkey is up").await;
        let read = serde_json::from_str::<Value>(&line);
        assert_eq!(read.is_ok(), is_json, "{value}: {line}");
        assert!(read.is_err() || read.is_ok_and(|line| line["apps"] == 1));
        process.stop().await;
        world.end().await;
    }
}

/// Pushes an event of this organisation and waits until it is acknowledged.
async fn push(world: &World, tenant: &str) {
    let mut envelope = World::envelope(&format!("event-of-{tenant}"), "im.message.receive_v1");
    envelope["header"]["tenant_key"] = json!(tenant);
    world.push(&envelope).await;
    world.acknowledged(&format!("event-of-{tenant}"), 1).await;
}

#[tokio::test]
async fn without_tenant_key_it_is_learnt_from_the_first_event_and_pinned() {
    let mut world = World::new().await;
    push(&world, "the-first").await;
    push(&world, "another").await;
    assert_eq!((world.events("new").await, world.events("foreign").await), (1, 1), "ignored and counted");
    world.restart_gateway().await;
    world.links(4).await;
    push(&world, "one-more").await;
    assert_eq!((world.events("new").await, world.events("foreign").await), (0, 1), "it stays pinned");

    // Alice is of the sandbox's own organisation, which is not the pinned one any more.
    let (_, link) = world.link(ALICE, READ).await;
    let page = world.visit(&link, ALICE, "allow").await;
    assert_eq!(page.mood(), "bad", "{}", page.reply.text);
    assert_eq!(world.get("/v1/grants").await.json()["grants"], json!([]));
    world.end().await;
}

#[tokio::test]
async fn with_tenant_key_people_and_events_of_another_organisation_are_refused() {
    let world = World::with(Setup::default().app("tenant_key = \"somebody-elses\"")).await;
    push(&world, DEFAULT_TENANT_KEY).await;
    assert_eq!((world.events("new").await, world.events("foreign").await), (0, 1));
    let (session, link) = world.link(ALICE, READ).await;
    let page = world.visit(&link, ALICE, "allow").await;
    assert_eq!(page.mood(), "bad", "{}", page.reply.text);
    assert_eq!(world.status(&session).await, "mismatched");
    assert_eq!(world.live_tokens(ALICE).await, 0, "the tokens are ended at the platform");
    world.end().await;

    let world = World::with(Setup::default().app(&format!("tenant_key = \"{DEFAULT_TENANT_KEY}\""))).await;
    push(&world, DEFAULT_TENANT_KEY).await;
    assert_eq!(world.events("new").await, 1);
    world.granted(READ).await;
    world.end().await;
}
