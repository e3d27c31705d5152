//! The long connection misbehaves as it is told to.

use cardkey_sandbox::ALICE;
use cardkey_sandbox::dingtalk::stream::{AckOutcome, StreamLogKind};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::{Client, OPEN, hasty, logged, open_body, subscriptions};
use crate::bench::Bench;
use crate::client::soon;

#[tokio::test]
async fn opening_is_refused_and_misled() {
    let bench = Bench::new().await;
    let refuse = json!({"refuse_open": {"status": 503, "body": "<html>bad gateway</html>", "times": 1}});
    bench.ding_control("/stream/faults", &refuse).await;
    let sent = bench.http.post(bench.url(OPEN)).json(&open_body(&subscriptions())).send().await.unwrap();
    assert_eq!(sent.status(), 503);
    assert!(sent.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    bench.ding_control("/stream/faults", &json!({"endpoint": "ws://127.0.0.1:1/connect"})).await;
    assert!(Client::address(&bench, &subscriptions()).await.starts_with("ws://127.0.0.1:1/connect?"));
    bench.ding_control("/stream/faults", &json!({"refuse_handshake": {"status": 502, "times": 1}})).await;
    let address = Client::address(&bench, &subscriptions()).await;
    let Err(Error::Http(response)) = Client::dial(&address).await else { panic!("connected") };
    assert_eq!(response.status(), 502);
    Client::dial(&address).await.unwrap();
}

#[tokio::test]
async fn connections_close_fall_silent_and_hang_up() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    bench.ding_control("/stream/faults", &json!({"close": {"code": 1000}})).await;
    assert!(matches!(soon(client.ws.next()).await, Some(Ok(Message::Close(_)))));
    drop(client);
    soon(bench.ding().wait_for_connections(0)).await;
    let mut client = Client::connect(&bench).await;
    bench.ding_control("/stream/faults", &json!({"black_hole": {}})).await;
    bench.ding_control("/say", &json!({"open_id": ALICE, "text": "unheard"})).await;
    client.send(&json!({})).await;
    logged(&bench, 1, |kind| matches!(kind, StreamLogKind::Swallowed).then_some(())).await;
    bench.ding_control("/stream/faults", &json!({})).await;
    bench.ding_control("/say", &json!({"open_id": ALICE, "text": "heard"})).await;
    assert!(client.frame().await["data"].as_str().unwrap().contains("\"heard\""));
    bench.ding_control("/stream/raw", &json!({"raw": [{"kind": "hangup", "reset": true}]})).await;
    assert!(client.ends().await);
}

#[tokio::test]
async fn frames_are_doubled_spoilt_and_their_acks_lost() {
    let bench = hasty().await;
    let mut client = Client::connect(&bench).await;
    let faults = json!({"duplicate": {"copies": 1}, "garbage": [{"kind": "text", "text": "{}"}], "lose_acks": true,
        "numeric_time": true});
    bench.ding_control("/stream/faults", &faults).await;
    bench.ding_control("/push", &json!({"event_type": "x", "event_id": "e-1"})).await;
    assert_eq!(client.frame().await, json!({}));
    let first = client.frame().await;
    assert!(first["headers"]["time"].is_number());
    client.ack(&first, 200, &json!({"status": "SUCCESS"})).await;
    client.frame().await;
    let second = client.frame().await;
    assert_eq!(second["headers"]["eventId"], first["headers"]["eventId"]);
    assert_ne!(second["headers"]["messageId"], first["headers"]["messageId"]);
    let lost =
        |kind: &StreamLogKind| matches!(kind, StreamLogKind::Ack { outcome: AckOutcome::Lost, .. }).then_some(());
    logged(&bench, 1, lost).await;
    bench.ding_control("/stream/faults", &json!({})).await;
    loop {
        let again = client.frame().await;
        if again["headers"]["messageId"] != second["headers"]["messageId"] && again != json!({}) {
            break client.ack(&again, 200, &json!({})).await;
        }
    }
    let settled =
        |kind: &StreamLogKind| matches!(kind, StreamLogKind::Ack { outcome: AckOutcome::Settled, .. }).then_some(());
    logged(&bench, 1, settled).await;
}

#[tokio::test]
async fn what_is_no_acknowledgement_is_written_down() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    for bad in [
        json!("x"),
        json!({"code": 200}),
        json!({"code": 200, "headers": {"messageId": 1}}),
        json!({"code": 200, "headers": {"messageId": "m"}, "data": {}}),
    ] {
        client.send(&bad).await;
    }
    let reason = |kind: &StreamLogKind| match kind {
        StreamLogKind::BadFrame { reason } => Some(reason.clone()),
        _ => None,
    };
    let reasons = logged(&bench, 4, reason).await;
    assert_eq!(reasons, ["no code", "no headers", "the header messageId is not a string", "data is not a string"]);
}
