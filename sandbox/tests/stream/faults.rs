//! Faults that act on whole frames and on the endpoint.

use cardkey_sandbox::feishu::stream::{AckOutcome, StreamFaults, StreamLogKind, frame::Frame};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, card, event, event_id, soon, stream, stream_with, wait_for_count};

fn faults(json: Value) -> StreamFaults {
    serde_json::from_value(json).unwrap()
}

fn header(frame: &Frame, key: &str) -> String {
    frame.header(key).unwrap().to_owned()
}

#[tokio::test]
async fn the_endpoint_refuses_a_number_of_times() {
    let stream = stream().await;
    stream.set_faults(faults(json!({
        "refuse_endpoint": {"code": 514, "msg": "auth failed", "times": 1},
    })));
    let refusal = stream.new_ticket().unwrap_err();
    assert_eq!((refusal.code, refusal.msg.as_str()), (514, "auth failed"));
    assert!(stream.new_ticket().is_ok());
    assert_eq!(stream.faults(), StreamFaults::default());
}

#[tokio::test]
async fn the_endpoint_answers_any_url() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"endpoint_url": "ws://evil.example"})));
    assert_eq!(stream.new_ticket().unwrap(), "ws://evil.example");
}

#[tokio::test]
async fn the_upgrade_is_refused_as_told() {
    let stream = stream().await;
    stream.set_faults(faults(json!({
        "refuse_handshake": {
            "status": 403,
            "headers": {"Handshake-Status": "403", "Handshake-Msg": "forbidden"},
            "times": 1,
        },
    })));
    let url = stream.new_ticket().unwrap();
    let Err(Error::Http(response)) = Client::dial(&url).await else {
        panic!("not refused");
    };
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["Handshake-Status"], "403");
    // The ticket was not looked at.
    Client::dial(&url).await.unwrap();
}

#[tokio::test]
async fn copies_on_the_same_connection() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"duplicate": {"copies": 2}})));
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    let mut message_ids = Vec::new();
    for _ in 0..3 {
        let frame = client.frame().await;
        assert_eq!(event_id(&frame), "e-1");
        message_ids.push(header(&frame, "message_id"));
        client.accept(&frame).await;
    }
    message_ids.dedup();
    assert_eq!(message_ids.len(), 3);
    let repeated = |k: &_| matches!(k, StreamLogKind::Ack { outcome: AckOutcome::Repeated, .. });
    wait_for_count(&stream, 2, repeated).await;
}

#[tokio::test]
async fn a_copy_on_another_connection() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"duplicate": {"copies": 1, "to": "other"}})));
    let mut one = Client::connect(&stream).await;
    let mut two = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    assert_eq!(event_id(&one.frame().await), "e-1");
    assert_eq!(event_id(&two.frame().await), "e-1");
}

#[tokio::test]
async fn a_split_event_is_settled_by_one_acknowledgement() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"split": {"parts": 3, "order": "reversed"}})));
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    let mut parts = Vec::new();
    for seq in ["2", "1", "0"] {
        let frame = client.frame().await;
        assert_eq!((header(&frame, "sum"), header(&frame, "seq")), ("3".to_owned(), seq.to_owned()));
        parts.insert(0, frame);
    }
    let whole: Vec<u8> = parts.iter().flat_map(|f| f.payload.clone().unwrap()).collect();
    let envelope: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(envelope, event("e-1"));
    assert!(parts.iter().all(|f| f.header("message_id") == parts[0].header("message_id")));
    assert_ne!(parts[0].log_id, parts[1].log_id);
    client.accept(&parts[0]).await;
    wait_for_count(&stream, 1, |k| matches!(k, StreamLogKind::Ack { outcome: AckOutcome::Settled, .. })).await;
}

#[tokio::test]
async fn a_part_is_lost_and_another_repeated() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"split": {"parts": 3, "drop": 1, "repeat": 2}})));
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-1")).await;
    for seq in ["0", "2", "2"] {
        assert_eq!(header(&client.frame().await, "seq"), seq);
    }
    client.ping(1).await;
    assert_eq!(header(&client.frame().await, "type"), "pong");
}

#[tokio::test]
async fn garbage_comes_before_each_event() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"garbage": [
        {"kind": "binary", "hex": "0800100018f6"},
        {"kind": "text", "text": "not binary"},
    ]})));
    let mut client = Client::connect(&stream).await;
    for id in ["e-1", "e-2"] {
        stream.push_event(event(id)).await;
        let truncated = client.next().await.unwrap().unwrap();
        assert_eq!(truncated, Message::binary(vec![8, 0, 16, 0, 0x18, 0xf6]));
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("not binary"));
        assert_eq!(event_id(&client.frame().await), id);
    }
}

#[tokio::test]
async fn delayed_acknowledgements_come_too_late() {
    let stream = stream_with(|c| c.callback_timeout = std::time::Duration::from_millis(10)).await;
    stream.set_faults(faults(json!({"ack_delay_ms": 50})));
    let mut client = Client::connect(&stream).await;
    let (answer, ()) = soon(async {
        tokio::join!(stream.callback(card("c-1")), async {
            let frame = client.frame().await;
            client.accept(&frame).await;
        })
    })
    .await;
    assert_eq!(answer.unwrap_err().code(), 200_341);
    wait_for_count(&stream, 1, |k| matches!(k, StreamLogKind::Ack { outcome: AckOutcome::Late, .. })).await;
}

#[tokio::test]
async fn the_client_configuration_is_spoilt_in_answer_and_pong() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"client_config": {"PingInterval": 0, "ReconnectNonce": null}})));
    let spoilt = json!({"PingInterval": 0, "ReconnectCount": -1, "ReconnectInterval": 120});
    assert_eq!(stream.client_config(), spoilt);
    let mut client = Client::connect(&stream).await;
    client.ping(1).await;
    let told: Value = serde_json::from_slice(&client.frame().await.payload.unwrap()).unwrap();
    assert_eq!(told, spoilt);
}

#[tokio::test]
async fn frames_of_another_type_and_without_headers() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"frame_type": "card", "omit_headers": ["trace_id", "sum"]})));
    let mut client = Client::connect(&stream).await;
    stream.push_event(card("c-1")).await;
    let frame = client.frame().await;
    assert_eq!(header(&frame, "type"), "card");
    assert_eq!((frame.header("trace_id"), frame.header("sum")), (None, None));
}
