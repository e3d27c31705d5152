//! The platform's delivery rules: where events go, how often, and what ends that.

use std::collections::{BTreeMap, HashSet};

use cardkey_sandbox::feishu::stream::{AckOutcome, CallbackError, StreamLogKind};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, PING, card, event, event_id, soon, stream, stream_with, wait_for_count};

fn is_ack(kind: &StreamLogKind, wanted: AckOutcome) -> bool {
    matches!(kind, StreamLogKind::Ack { outcome, .. } if *outcome == wanted)
}

#[tokio::test]
async fn a_ping_is_answered_with_all_four_fields() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    client.send(hex::decode(PING).unwrap()).await;
    let pong = client.frame().await;
    assert_eq!((pong.method, pong.service), (0, 33_554_678));
    assert_eq!(pong.header("type"), Some("pong"));
    let config: Value = serde_json::from_slice(&pong.payload.unwrap()).unwrap();
    assert_eq!(config, stream.client_config());
    assert_eq!(
        config,
        json!({"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120})
    );
}

#[tokio::test]
async fn a_websocket_ping_is_answered() {
    use futures_util::SinkExt as _;
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    client.ws.send(Message::Ping("abcd".into())).await.unwrap();
    let answer = client.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong("abcd".into()));
}

#[tokio::test]
async fn an_event_is_settled_by_the_acknowledgement_of_any_correct_client() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    for (id, payload) in [
        ("python", r#"{"code": 200}"#),
        ("node", r#"{"code":200}"#),
        ("go", r#"{"code":200,"headers":null,"data":null}"#),
        ("answer", r#"{"code":200,"data":"e30="}"#),
    ] {
        assert_eq!(stream.push_event(event(id)).await, id);
        let frame = client.frame().await;
        assert_eq!(frame.method, 1);
        assert_eq!(event_id(&frame), id);
        client.ack_with(&frame, payload).await;
    }
    let acks = wait_for_count(&stream, 4, |k| is_ack(k, AckOutcome::Settled)).await;
    let ids: Vec<_> = acks.iter().filter_map(|e| e.accepted_event()).collect();
    assert_eq!(ids, ["python", "node", "go", "answer"]);
}

#[tokio::test]
async fn an_unacknowledged_event_comes_four_times_more_with_the_same_id() {
    let stream = stream_with(|c| {
        c.time_scale = 1e-6;
        c.callback_timeout = std::time::Duration::from_millis(20);
    })
    .await;
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    let mut message_ids = HashSet::new();
    for _ in 0..5 {
        let frame = client.frame().await;
        assert_eq!(event_id(&frame), "e-1");
        message_ids.insert(frame.header("message_id").unwrap().to_owned());
    }
    assert_eq!(message_ids.len(), 5);
    wait_for_count(&stream, 1, |k| matches!(k, StreamLogKind::GaveUp { .. })).await;
    // Nothing else was sent: the next frame is the answer to a ping.
    client.ping(1).await;
    assert_eq!(client.frame().await.header("type"), Some("pong"));
}

#[tokio::test]
async fn a_refused_event_comes_again_and_an_accepted_one_does_not() {
    let stream = stream_with(|c| c.time_scale = 1e-6).await;
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    let first = client.frame().await;
    client.ack_with(&first, r#"{"code": 500}"#).await;
    wait_for_count(&stream, 1, |k| is_ack(k, AckOutcome::Refused)).await;
    let again = client.frame().await;
    assert_eq!(event_id(&again), "e-1");
    client.accept(&again).await;
    client.accept(&again).await;
    wait_for_count(&stream, 1, |k| is_ack(k, AckOutcome::Settled)).await;
    wait_for_count(&stream, 1, |k| is_ack(k, AckOutcome::Repeated)).await;
}

#[tokio::test]
async fn an_event_waits_for_a_connection() {
    let stream = stream().await;
    stream.push_event(event("e-1")).await;
    stream.push_event(event("e-2")).await;
    let mut client = Client::connect(&stream).await;
    assert_eq!(event_id(&client.frame().await), "e-1");
    assert_eq!(event_id(&client.frame().await), "e-2");
}

#[tokio::test]
async fn each_event_goes_to_one_random_connection() {
    let stream = stream().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::connect(&stream).await);
    }
    for n in 0..60 {
        stream.push_event(event(&n.to_string())).await;
    }
    let sent = wait_for_count(&stream, 60, |k| matches!(k, StreamLogKind::Sent { .. })).await;
    let mut by_connection = BTreeMap::<_, usize>::new();
    for entry in sent {
        *by_connection.entry(entry.connection.unwrap()).or_default() += 1;
    }
    assert_eq!(by_connection.len(), 3);
    let mut seen = HashSet::new();
    for (client, count) in clients.iter_mut().zip(by_connection.values()) {
        assert!(*count > 5, "{by_connection:?}");
        for _ in 0..*count {
            assert!(seen.insert(event_id(&client.frame().await)));
        }
    }
    assert_eq!(seen.len(), 60);
}

#[tokio::test]
async fn an_acknowledgement_over_another_connection_counts() {
    let stream = stream().await;
    let mut one = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    let frame = one.frame().await;
    let mut other = Client::connect(&stream).await;
    other.accept(&frame).await;
    wait_for_count(&stream, 1, |k| is_ack(k, AckOutcome::Settled)).await;
    other.ack_with(&frame, "no json").await;
    wait_for_count(&stream, 1, |k| matches!(k, StreamLogKind::BadFrame { .. })).await;
}

#[tokio::test]
async fn a_callback_returns_what_the_client_answers() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    for (payload, expected) in [
        (r#"{"code":200}"#, Ok(json!({}))),
        (
            r#"{"code": 200, "data": "eyJ0b2FzdCI6IHsidHlwZSI6ICJzdWNjZXNzIiwgImNvbnRlbnQiOiAib2sg5aW9In19"}"#,
            Ok(json!({"toast": {"type": "success", "content": "ok 好"}})),
        ),
        (r#"{"code":500}"#, Err(200_671)),
        (r#"{"code":200,"data":{}}"#, Err(200_672)),
    ] {
        let (answer, ()) = soon(async {
            tokio::join!(stream.callback(card("c-1")), async {
                let frame = client.frame().await;
                assert_eq!(frame.header("type"), Some("event"));
                client.ack_with(&frame, payload).await;
            })
        })
        .await;
        assert_eq!(answer.map_err(|e| e.code()), expected);
    }
}

#[tokio::test]
async fn a_callback_has_one_chance() {
    let stream = stream_with(|c| {
        c.time_scale = 0.0;
        c.callback_timeout = std::time::Duration::from_millis(20);
    })
    .await;
    let nobody = stream.callback(card("c-0")).await;
    assert_eq!(nobody, Err(CallbackError::NoConnection));
    assert_eq!(nobody.unwrap_err().code(), 200_340);
    let mut client = Client::connect(&stream).await;
    let silent = soon(stream.callback(card("c-1"))).await;
    assert_eq!(silent.unwrap_err().code(), 200_341);
    let frame = client.frame().await;
    assert_eq!(event_id(&frame), "c-1");
    client.accept(&frame).await;
    wait_for_count(&stream, 1, |k| is_ack(k, AckOutcome::Late)).await;
    // It was not sent again: the next frame is the answer to a ping.
    client.ping(1).await;
    assert_eq!(client.frame().await.header("type"), Some("pong"));
}

#[tokio::test]
async fn every_new_connection_gets_samples_if_wanted() {
    let stream = stream_with(|c| c.auto_push = true).await;
    for _ in 0..2 {
        let mut client = Client::connect(&stream).await;
        let mut kinds = HashSet::new();
        for _ in 0..2 {
            let frame = client.frame().await;
            let payload: Value = serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap();
            assert_eq!(payload["header"]["app_id"], "cli_a1b2c3d4e5f60718");
            kinds.insert(payload["header"]["event_type"].as_str().unwrap().to_owned());
            client.accept(&frame).await;
        }
        let wanted = ["im.message.receive_v1", "card.action.trigger"];
        assert_eq!(kinds, wanted.map(str::to_owned).into());
    }
    wait_for_count(&stream, 4, |k| is_ack(k, AckOutcome::Settled)).await;
}

#[tokio::test]
async fn event_ids_of_both_schemas_are_kept_and_missing_ones_made() {
    let stream = stream().await;
    let old = json!({"uuid": "u-1", "event": {"type": "app_uninstalled"}});
    assert_eq!(stream.push_event(old).await, "u-1");
    let made = stream.push_event(json!({"event": {}})).await;
    let mut client = Client::connect(&stream).await;
    client.frame().await;
    assert_eq!(event_id(&client.frame().await), made);
    let sent = wait_for_count(&stream, 2, |k| matches!(k, StreamLogKind::Sent { .. })).await;
    assert!(matches!(&sent[0].what, StreamLogKind::Sent { event_type, .. } if event_type == "app_uninstalled"));
}
