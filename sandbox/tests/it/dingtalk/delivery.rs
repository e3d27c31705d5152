//! What is pushed, to whom, and how often.

use cardkey_sandbox::ALICE;
use cardkey_sandbox::dingtalk::stream::{AckOutcome, StreamLogKind};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, hasty, logged, subscriptions};
use crate::bench::Bench;
use crate::client::soon;

fn outcome(kind: &StreamLogKind) -> Option<AckOutcome> {
    match kind {
        StreamLogKind::Ack { outcome, .. } => Some(*outcome),
        _ => None,
    }
}

#[tokio::test]
async fn an_event_has_the_platforms_shape_and_is_settled_once() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    let event = json!({"event_type": "user_add_org", "event": {"userId": ["u1"]}});
    let pushed = bench.ding_control("/push", &event).await;
    let frame = client.frame().await;
    assert_eq!((&frame["specVersion"], &frame["type"]), (&json!("1.0"), &json!("EVENT")));
    let headers = frame["headers"].as_object().unwrap();
    assert!(headers.values().all(Value::is_string), "{headers:?}");
    for name in [
        "topic",
        "contentType",
        "messageId",
        "time",
        "eventId",
        "eventType",
        "eventBornTime",
        "eventCorpId",
        "eventUnifiedAppId",
        "appId",
        "connectionId",
    ] {
        assert!(headers.contains_key(name), "{name}");
    }
    assert_eq!((&headers["eventId"], &headers["topic"]), (&pushed["event_id"], &json!("*")));
    assert_eq!(serde_json::from_str::<Value>(frame["data"].as_str().unwrap()).unwrap(), event["event"]);
    client.ack(&frame, 200, &json!({"status": "SUCCESS"})).await;
    client.ack(&frame, 200, &json!({"status": "SUCCESS"})).await;
    assert_eq!(logged(&bench, 2, outcome).await, [AckOutcome::Settled, AckOutcome::Repeated]);
}

#[tokio::test]
async fn an_event_comes_again_until_it_is_taken() {
    let bench = hasty().await;
    let mut client = Client::connect(&bench).await;
    bench.ding_control("/push", &json!({"event_type": "x", "event_id": "e-1"})).await;
    // The three ways in which official clients say "later", and silence.
    for (code, data) in [(200, json!({"status": "LATER"})), (500, json!({"status": "LATER"})), (500, json!({"a": 1}))] {
        let frame = client.frame().await;
        assert_eq!(frame["headers"]["eventId"], "e-1");
        client.ack(&frame, code, &data).await;
    }
    let ignored = client.frame().await;
    let last = client.frame().await;
    assert_eq!(last["headers"]["eventBornTime"], ignored["headers"]["eventBornTime"]);
    assert_ne!(last["headers"]["messageId"], ignored["headers"]["messageId"]);
    client.ack(&last, 200, &json!({"a": 1})).await;
    assert_eq!(logged(&bench, 4, outcome).await[3], AckOutcome::Settled);
}

#[tokio::test]
async fn an_event_waits_for_somebody_who_wants_it_and_a_robot_message_does_not() {
    let bench = Bench::new().await;
    let mut deaf = Client::subscribed(&bench, &json!([{"type": "CALLBACK", "topic": "/v1.0/graph/api/invoke"}])).await;
    let said = bench.ding_control("/say", &json!({"open_id": ALICE, "text": "hello"})).await;
    assert_eq!(said["heard"], false);
    logged(&bench, 1, |kind| matches!(kind, StreamLogKind::Lost { .. }).then_some(())).await;
    bench.ding_control("/push", &json!({"event_type": "x", "event_id": "e-1"})).await;
    let mut client = Client::connect(&bench).await;
    assert_eq!(client.frame().await["headers"]["eventId"], "e-1");
    let heard = bench.ding_control("/push", &json!({"topic": "/v1.0/graph/api/invoke", "event": {"a": 1}})).await;
    assert_eq!(heard["heard"], true);
    assert_eq!(deaf.frame().await["headers"]["topic"], "/v1.0/graph/api/invoke");
}

#[tokio::test]
async fn pushes_spread_over_the_connections() {
    let bench = Bench::new().await;
    let (mut one, mut other) = (Client::connect(&bench).await, Client::connect(&bench).await);
    for number in 0..40 {
        bench.ding().push_event(&number.to_string(), "x", &Value::Null);
    }
    let sent = bench.ding();
    soon(sent.wait_for(|log| {
        (log.iter().filter(|e| matches!(e.what, StreamLogKind::Sent { .. })).count() == 40).then_some(())
    }))
    .await;
    let on = |id| {
        sent.log().iter().filter(|e| e.connection == Some(id) && matches!(e.what, StreamLogKind::Sent { .. })).count()
    };
    assert!(on(1) > 5 && on(2) > 5, "{} and {}", on(1), on(2));
    one.frame().await;
    other.frame().await;
}

#[tokio::test]
async fn pings_of_both_kinds_are_answered() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    bench.ding_control("/stream/system", &json!({"topic": "ping", "data": {"opaque": "op-123"}})).await;
    let ping = client.frame().await;
    assert_eq!((&ping["type"], &ping["headers"]["topic"]), (&json!("SYSTEM"), &json!("ping")));
    assert_eq!(ping["data"], r#"{"opaque":"op-123"}"#);
    assert!(ping["headers"].get("appId").is_none());
    client.ack(&ping, 200, &json!({"opaque": "op-123"})).await;
    assert_eq!(logged(&bench, 1, outcome).await, [AckOutcome::Noted]);
    client.ws.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(soon(client.ws.next()).await.unwrap().unwrap(), Message::Pong(vec![1].into()));
}

#[tokio::test]
async fn the_server_pings_by_itself() {
    let mut options = cardkey_sandbox::Options::default();
    options.dingtalk.ping_interval = std::time::Duration::from_millis(20);
    let bench = Bench::with(options).await;
    let mut client = Client::connect(&bench).await;
    let data: Value = serde_json::from_str(client.frame().await["data"].as_str().unwrap()).unwrap();
    assert!(data["opaque"].is_string());
}

#[tokio::test]
async fn after_disconnect_nothing_comes_and_ten_seconds_later_the_end() {
    let bench = Bench::new().await;
    bench.sandbox.dingtalk().clock.freeze(true);
    let mut old = Client::connect(&bench).await;
    assert_eq!(bench.ding_control("/stream/disconnect", &json!({"connection": 1})).await["told"], 1);
    let told = old.frame().await;
    assert_eq!(told["headers"]["topic"], "disconnect");
    assert_eq!(told["data"], r#"{"reason":"connection is expired"}"#);
    bench.ding_control("/push", &json!({"event_type": "x", "event_id": "e-1"})).await;
    let mut new = Client::subscribed(&bench, &subscriptions()).await;
    assert_eq!(new.frame().await["headers"]["eventId"], "e-1");
    bench.advance(9_000).await;
    assert_eq!(bench.ding().connections(), 2);
    bench.advance(1_000).await;
    assert!(old.ends().await);
    soon(bench.ding().wait_for_connections(1)).await;
}
