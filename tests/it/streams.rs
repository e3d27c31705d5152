//! The event stream over real sockets: whatever the network and the platform do to an event, it is handled once; and a
//! tap has its answer in its acknowledgement.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{
    Close, CloseWhen, CopyTo, Cut, Duplicate, PartOrder, RefuseEndpoint, Split, StreamFaults, StreamLogEntry,
    StreamLogKind,
};
use cardkey_sandbox::{ALICE, BOB};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];
const MESSAGE: &str = "im.message.receive_v1";

fn split(parts: u32) -> Split {
    Split { parts, order: PartOrder::Forward, drop: None, repeat: None }
}

fn splitting(split: Split) -> StreamFaults {
    StreamFaults { split: Some(split), ..StreamFaults::default() }
}

fn copying(copies: u32, to: CopyTo) -> StreamFaults {
    StreamFaults { duplicate: Some(Duplicate { copies, to }), ..StreamFaults::default() }
}

/// A sandbox that redelivers after three quarters of a second in place of fifteen.
fn impatient() -> Setup {
    let mut setup = Setup::default();
    setup.sandbox.time_scale = 0.05;
    setup
}

#[tokio::test]
async fn however_an_event_is_delivered_it_is_handled_once() {
    let world = World::new().await;
    world.links(2).await;
    let spoilt = [
        ("as it is", StreamFaults::default(), 0),
        ("twice on one socket", copying(1, CopyTo::Same), 1),
        ("three times on two sockets", copying(2, CopyTo::Other), 2),
        ("in three parts", splitting(split(3)), 0),
        ("in reversed parts", splitting(Split { order: PartOrder::Reversed, ..split(5) }), 0),
        ("with a part repeated", splitting(Split { repeat: Some(1), ..split(3) }), 0),
        (
            "in a frame of the card type",
            StreamFaults { frame_type: Some("card".to_owned()), ..StreamFaults::default() },
            0,
        ),
        (
            "without a trace id",
            StreamFaults { omit_headers: vec!["trace_id".to_owned()], ..StreamFaults::default() },
            0,
        ),
    ];
    let mut copies_so_far = 0;
    for (round, (name, faults, copies)) in (1..).zip(spoilt) {
        world.stream().set_faults(faults);
        world.push(&World::envelope(&format!("event-{round}"), MESSAGE)).await;
        world.acknowledged(&format!("event-{round}"), usize::try_from(copies + 1).unwrap()).await;
        copies_so_far += copies;
        assert_eq!((world.events("new").await, world.events("duplicate").await), (round, copies_so_far), "{name}");
    }
    world.end().await;
}

#[tokio::test]
async fn many_events_over_two_sockets_at_once() {
    let world = World::new().await;
    world.links(2).await;
    world.stream().set_faults(copying(1, CopyTo::Other));
    for number in 0..200 {
        world.push(&World::envelope(&format!("event-{number}"), MESSAGE)).await;
    }
    for number in 0..200 {
        world.acknowledged(&format!("event-{number}"), 2).await;
    }
    assert_eq!((world.events("new").await, world.events("duplicate").await), (200, 200));
    let log = world.stream().log();
    let on = |link| log.iter().any(|entry| entry.connection == Some(link) && entry.accepted_event().is_some());
    assert!(on(1) && on(2), "both links took part");
    world.end().await;
}

#[tokio::test]
async fn an_event_that_comes_again_after_a_restart() {
    let mut world = World::new().await;
    world.push(&World::envelope("event", MESSAGE)).await;
    world.acknowledged("event", 1).await;
    world.restart_gateway().await;
    world.links(4).await;
    world.push(&World::envelope("event", MESSAGE)).await;
    world.acknowledged("event", 2).await;
    assert_eq!((world.events("new").await, world.events("duplicate").await), (0, 1));
    world.end().await;
}

/// Waits until an event has left the platform.
async fn sent(world: &World, event: &str) {
    let is_it =
        |entry: &StreamLogEntry| matches!(&entry.what, StreamLogKind::Sent { event_id, .. } if event_id == event);
    world.stream().wait_for(|log| log.iter().any(is_it).then_some(())).await;
}

#[tokio::test]
async fn an_event_with_a_lost_part_is_handled_when_it_comes_again() {
    let world = World::with(impatient()).await;
    world.links(2).await;
    world.stream().set_faults(splitting(Split { drop: Some(1), ..split(3) }));
    world.push(&World::envelope("event", MESSAGE)).await;
    sent(&world, "event").await;
    assert_eq!(world.events("new").await, 0);
    world.stream().set_faults(StreamFaults::default());
    world.acknowledged("event", 1).await;
    assert_eq!((world.events("new").await, world.events("duplicate").await), (1, 0));
    world.end().await;
}

#[tokio::test]
async fn a_link_that_breaks_in_the_middle_of_an_event_is_replaced_and_the_event_comes_again() {
    for reset in [false, true] {
        let world = World::with(impatient()).await;
        world.links(2).await;
        let cut = Cut { after_bytes: 100, reset, times: Some(1) };
        world.stream().set_faults(StreamFaults { cut: Some(cut), ..StreamFaults::default() });
        world.push(&World::envelope("event", MESSAGE)).await;
        world.acknowledged("event", 1).await;
        world.links(3).await;
        assert_eq!((world.events("new").await, world.events("duplicate").await), (1, 0), "reset: {reset}");
        world.end().await;
    }
}

#[tokio::test]
async fn an_unknown_event_is_acknowledged_and_counted() {
    let world = World::new().await;
    world.push(&World::envelope("event", "brand.new.event_v9")).await;
    world.acknowledged("event", 1).await;
    assert_eq!(world.events("new").await, 1, "W26");
    world.end().await;
}

#[tokio::test]
async fn a_tap_that_is_delivered_three_times_counts_once() {
    let world = World::new().await;
    world.links(2).await;
    world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    world.stream().set_faults(copying(2, CopyTo::Other));
    let answer = world.tap(ALICE, &card, "reject").await;
    assert!(answer["error"].is_null(), "{answer}");
    let duplicates = format!("cardkey_event_total{{app_id=\"{APP}\",outcome=\"duplicate\"}}");
    world.metric_becomes(&duplicates, 2.0).await;
    let reason = format!("app_id=\"{APP}\",auth_method=\"redirect\",reason=\"user_rejected\"");
    assert_eq!(world.count(&format!("cardkey_auth_failure_total{{{reason}}}")).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_tap_has_toast_and_card_in_its_answer_well_in_time() {
    let mut setup = Setup::default();
    setup.sandbox.stream.callback_timeout = Duration::from_secs(1);
    let world = World::with(setup).await;
    world.links(2).await;
    // Nothing the gateway may want to say to the platform gets through: the answer has all of it.
    world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    world.fault(&json!({ "match": { "api": "messages_patch" }, "action": { "kind": "drop" } })).await;
    let answer = world.tap(ALICE, &card, "reject").await;
    assert_eq!((&answer["error"], answer["toast"]["content"].is_string()), (&Value::Null, true), "{answer}");
    let toast = answer["toast"].to_string();
    assert!(toast.contains("Your refusal was noted") && toast.contains("已拒绝授权"), "{toast}");
    assert_eq!(world.card(ALICE).await["card"]["header"]["template"], "red", "changed by the answer itself");
    world.end().await;
}

#[tokio::test]
async fn a_tap_by_somebody_else_changes_nothing() {
    let world = World::new().await;
    world.links(2).await;
    let session = world.ask(READ).await.session();
    let card = world.card_turns(ALICE, "blue").await;
    let before = (world.standing(&session).await, world.card(ALICE).await);
    for button in ["reject", "authorize"] {
        let answer = world.tap(BOB, &card, button).await;
        assert!(answer["toast"].to_string().contains("This request is not for you"), "{button}: {answer}");
        assert_eq!((world.standing(&session).await, world.card(ALICE).await), before, "{button}");
    }
    // Scopes still join it, which they would not if the person had opened it.
    world.ask(&["apaas:workspace:read"]).await;
    let scopes = world.get(&format!("/v1/auth-sessions/{session}")).await.json()["scopes"].clone();
    assert_eq!(scopes, json!(["apaas:app:read", "apaas:workspace:read"]));
    world.end().await;
}

#[tokio::test]
async fn a_tap_on_an_unknown_card_is_told_so() {
    let world = World::new().await;
    world.links(2).await;
    world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    for value in
        [json!({ "auth_session": "s-unknown", "act": "reject" }), json!({}), json!("x"), json!(null), json!([])]
    {
        let action = json!({ "tag": "button", "name": "reject", "value": value });
        let tap = json!({ "open_id": ALICE, "message_id": card["message_id"], "action": action });
        let answer = world.control("tap", &tap).await;
        assert!(answer["toast"].to_string().contains("This request is unknown"), "{action}: {answer}");
    }
    world.card_turns(ALICE, "blue").await;
    world.end().await;
}

#[tokio::test]
async fn without_a_link_the_app_is_degraded_and_serves_what_it_has_until_it_recovers() {
    let world = World::with(Setup::default().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", "1")).await;
    world.links(2).await;
    world.granted(READ).await;
    world.readiness_is("ok").await;
    let refuse = RefuseEndpoint { code: 1, msg: "away".to_owned(), times: None };
    let close = Close { code: 1001, reason: String::new(), when: CloseWhen::Now, times: None };
    world.stream().set_faults(StreamFaults {
        refuse_endpoint: Some(refuse),
        close: Some(close),
        ..StreamFaults::default()
    });
    let degraded = format!("cardkey_stream_degraded{{app_id=\"{APP}\"}}");
    world.metric_becomes(&degraded, 1.0).await;
    let readiness = world.get("/readyz").await;
    assert_eq!((readiness.status, &readiness.json()["status"]), (200, &json!("degraded")), "{}", readiness.text);
    assert_eq!(readiness.json()["apps"][0]["stream"], "degraded", "{}", readiness.text);
    assert_eq!(world.ask(READ).await.status, 200, "what is stored is served");

    world.stream().set_faults(StreamFaults::default());
    world.metric_becomes(&degraded, 0.0).await;
    world.readiness_is("ok").await;
    world.push(&World::envelope("event", MESSAGE)).await;
    world.acknowledged("event", 1).await;
    world.end().await;
}
