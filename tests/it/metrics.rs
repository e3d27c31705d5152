//! Each of the ten metrics that operators rely on, moved by what it counts. Each reading is the real scrape.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{Close, CloseWhen, RefuseEndpoint, StreamFaults};
use cardkey_sandbox::{ALICE, BOB};
use serde_json::json;

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// The value of a series of the app, with these labels between the app's and the end.
async fn value(world: &World, name: &str, labels: &str) -> f64 {
    world.metric(&format!("cardkey_{name}{{app_id=\"{APP}\"{labels}}}")).await.unwrap_or_default()
}

async fn assert_value(world: &World, name: &str, labels: &str, wanted: f64) {
    let found = value(world, name, labels).await;
    assert!((found - wanted).abs() < f64::EPSILON, "{name}{{{labels}}} is {found}, not {wanted}");
}

fn outcome(word: &str) -> String {
    format!(",outcome=\"{word}\"")
}

const REDIRECT: &str = ",auth_method=\"redirect\"";

#[tokio::test]
async fn the_status_and_the_reconnects_of_the_stream() {
    let world = World::new().await;
    world.links(2).await;
    world.metric_becomes(&format!("cardkey_websocket_connection_status{{app_id=\"{APP}\"}}"), 1.0).await;
    assert_value(&world, "websocket_reconnect_total", &outcome("attempt"), 0.0).await;

    let refuse = RefuseEndpoint { code: 1, msg: "away".to_owned(), times: None };
    let close = Close { code: 1001, reason: String::new(), when: CloseWhen::Now, times: None };
    world.stream().set_faults(StreamFaults {
        refuse_endpoint: Some(refuse),
        close: Some(close),
        ..StreamFaults::default()
    });
    world.metric_becomes(&format!("cardkey_websocket_connection_status{{app_id=\"{APP}\"}}"), 0.0).await;
    world.called("endpoint", 3).await;
    world.stream().set_faults(StreamFaults::default());
    world.links(4).await;
    world.metric_becomes(&format!("cardkey_websocket_connection_status{{app_id=\"{APP}\"}}"), 1.0).await;
    let attempts = value(&world, "websocket_reconnect_total", &outcome("attempt")).await;
    let failures = value(&world, "websocket_reconnect_total", &outcome("failure")).await;
    assert!(failures >= 1.0 && attempts >= failures + 2.0, "{attempts} attempts, {failures} failures");
    let success = format!("cardkey_websocket_reconnect_total{{app_id=\"{APP}\"{}}}", outcome("success"));
    world.metric_becomes(&success, 2.0).await;
    world.end().await;
}

#[tokio::test]
async fn the_sessions_that_are_opened_pending_and_completed() {
    let world = World::new().await;
    let (session, link) = world.link(ALICE, READ).await;
    assert_value(&world, "auth_session_total", REDIRECT, 1.0).await;
    assert_value(&world, "auth_session_active", "", 1.0).await;
    assert_value(&world, "token_active_count", "", 0.0).await;

    world.advance(Duration::from_secs(20)).await;
    world.visit(&link, ALICE, "allow").await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    assert_value(&world, "auth_session_total", REDIRECT, 1.0).await;
    assert_value(&world, "auth_session_active", "", 0.0).await;
    assert_value(&world, "auth_success_total", REDIRECT, 1.0).await;
    assert_value(&world, "auth_duration_seconds_count", REDIRECT, 1.0).await;
    assert!(value(&world, "auth_duration_seconds_sum", REDIRECT).await >= 20.0, "the person took their time");
    assert_value(&world, "auth_duration_seconds_bucket", ",auth_method=\"redirect\",le=\"15\"", 0.0).await;
    assert_value(&world, "token_active_count", "", 1.0).await;
    world.end().await;
}

#[tokio::test]
async fn the_way_of_an_authorization_is_a_label() {
    for way in ["device", "paste"] {
        let world = World::with(Setup::code(way)).await;
        world.ask(READ).await;
        assert_value(&world, "auth_session_total", &format!(",auth_method=\"{way}\""), 1.0).await;
        world.end().await;
    }
}

#[tokio::test]
async fn the_sessions_that_fail_by_reason() {
    let mut setup = Setup::default();
    setup.sandbox.generated_people = 8;
    let world = World::with(setup).await;
    let people = world.crowd();
    for (person, reason) in people.iter().zip([
        "user_rejected",
        "mismatched",
        "cancelled",
        "recipient_unreachable",
        "misconfigured",
        "refused",
        "identity_unknown",
        "expired",
    ]) {
        fail(&world, person, reason).await;
        assert_value(&world, "auth_failure_total", &format!("{REDIRECT},reason=\"{reason}\""), 1.0).await;
    }
    assert_value(&world, "auth_session_expired_total", "", 1.0).await;
    assert_value(&world, "auth_session_total", REDIRECT, 8.0).await;
    assert_value(&world, "auth_session_active", "", 0.0).await;
    world.end().await;
}

/// Lets an auth session of this person's end in this way.
async fn fail(world: &World, person: &str, reason: &str) {
    let answer = |api: &str, times: u32, status: u16, code: i64| {
        json!({ "match": { "api": api }, "times": times, "action":
            { "kind": "status", "status": status, "body": { "code": code, "msg": "scripted" } } })
    };
    match reason {
        "recipient_unreachable" => {
            world.control("people", &json!({ "open_id": person, "available": false })).await;
            assert_eq!(world.ask_for(person, READ, &json!({})).await.status, 422);
            return;
        }
        "misconfigured" => {
            world.fault(&answer("messages_create", 1, 400, 99_991_543)).await;
            assert_eq!(world.ask_for(person, READ, &json!({})).await.status, 502);
            return;
        }
        _ => {}
    }
    let asked = world.ask_for(person, READ, &json!({ "notify": "link" })).await;
    let session = asked.session();
    let link = asked.json()["auth_session"]["authorization_uri"].as_str().unwrap().to_owned();
    match reason {
        "user_rejected" => drop(world.visit(&link, person, "deny").await),
        "mismatched" => drop(world.visit(&link, BOB, "allow").await),
        "cancelled" => drop(world.post(&format!("/v1/auth-sessions/{session}/cancel"), &json!({})).await),
        "refused" => {
            world.fault(&answer("oauth_token", 3, 400, 20_065)).await;
            for _ in 0..3 {
                world.visit(&link, person, "allow").await;
            }
        }
        "identity_unknown" => {
            world.fault(&answer("user_info", 1, 200, 20_005)).await;
            world.visit(&link, person, "allow").await;
        }
        "expired" => {
            world.advance(Duration::from_mins(11)).await;
            world.gateway().auth_sessions.run_expiry().await.unwrap();
        }
        other => panic!("nobody knows how to end a session as {other}"),
    }
    let ended = world.ended(&session).await;
    assert_ne!(ended["status"], "pending", "{reason}: {ended}");
}

#[tokio::test]
async fn the_refreshes_and_the_grants_that_can_give_a_token() {
    let world = World::new().await;
    world.granted(READ).await;
    assert_value(&world, "token_refresh_total", &outcome("success"), 0.0).await;
    world.advance(Duration::from_hours(3)).await;
    assert_eq!(world.ask(READ).await.status, 200);
    assert_value(&world, "token_refresh_total", &outcome("success"), 1.0).await;
    assert_value(&world, "token_active_count", "", 1.0).await;

    world.control("revoke", &json!({ "open_id": ALICE, "push": false })).await;
    world.advance(Duration::from_hours(3)).await;
    assert_eq!(world.ask(READ).await.status, 202, "a refused refresh leads to another question");
    assert_value(&world, "token_refresh_total", &outcome("denied"), 1.0).await;
    assert_value(&world, "token_active_count", "", 0.0).await;
    world.end().await;
}

#[tokio::test]
async fn the_encryptions_by_master_key() {
    let world = World::new().await;
    let series = "cardkey_vault_encryptions_total{key_id=\"k1\"}";
    world.granted(READ).await;
    let granted = world.count(series).await;
    assert!(granted >= 4, "the proof of the key, a verifier, two tokens: {granted}");
    world.advance(Duration::from_hours(3)).await;
    assert_eq!(world.ask(READ).await.status, 200);
    assert_eq!(world.count(series).await, granted + 2, "a refresh seals two tokens");
    world.end().await;
}
