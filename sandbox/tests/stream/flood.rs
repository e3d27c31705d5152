//! The load generator: what it sends, what it counts, and that it leaves the rest of the stream alone.

use std::collections::HashSet;

use cardkey_sandbox::feishu::stream::{FloodSpec, FloodTarget, frame::Frame};
use serde_json::Value;

use crate::client::{Client, event, event_id, soon, stream};

/// Long, for the number of events is what ends a test.
fn spec(events: u64) -> FloodSpec {
    FloodSpec { seconds: 600.0, events: Some(events), window: 16, ..FloodSpec::default() }
}

fn kind(frame: &Frame) -> String {
    let envelope: Value = serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap();
    envelope["header"]["event_type"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_event_is_acknowledged_and_counted() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    let spec = FloodSpec { duplicates_permille: 200, ..spec(1_000) };
    let (mut ids, mut cards, mut last) = (HashSet::new(), 0, String::new());
    let (report, ()) = soon(async {
        tokio::join!(stream.flood(spec), async {
            for _ in 0..1_000 {
                let frame = client.frame().await;
                last = event_id(&frame);
                ids.insert(last.clone());
                cards += usize::from(kind(&frame) == "card.action.trigger");
                assert_eq!(frame.payload.as_ref().unwrap().len(), 1_000);
                client.accept(&frame).await;
            }
        })
    })
    .await;
    assert_eq!((report.sent, report.acked, report.ack_errors), (1_000, 1_000, 0));
    assert_eq!(ids.len() as u64, 1_000 - report.duplicates);
    assert!((100..300).contains(&report.duplicates), "{report:?}");
    assert!((50..150).contains(&cards), "{cards} cards");
    assert_eq!(report.last_acked_event_ids.last(), Some(&last));
    assert!(report.last_acked_event_ids.iter().all(|id| ids.contains(id)));
    assert!(report.acks_per_second > 0.0);
    assert!(report.p50_ms <= report.p99_ms && report.p99_ms <= report.max_ms);
}

#[tokio::test]
async fn no_more_than_the_window_is_unacknowledged() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    let (report, ()) = soon(async {
        tokio::join!(stream.flood(spec(20)), async {
            let mut frames = Vec::new();
            for _ in 0..16 {
                frames.push(client.frame().await);
            }
            // The window is full: the next frame is the answer to a ping.
            client.ping(1).await;
            assert_eq!(client.frame().await.header("type"), Some("pong"));
            // In any order, with any code.
            for frame in frames.iter().rev() {
                client.ack_with(frame, r#"{"code":500}"#).await;
            }
            for _ in 0..4 {
                let frame = client.frame().await;
                client.accept(&frame).await;
                client.accept(&frame).await;
            }
        })
    })
    .await;
    assert_eq!((report.sent, report.acked, report.ack_errors), (20, 4, 16));
    assert_eq!(report.last_acked_event_ids.len(), 4);
}

#[tokio::test]
async fn other_events_get_through() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    let (report, ()) = soon(async {
        tokio::join!(stream.flood(spec(1)), async {
            let flooded = client.frame().await;
            stream.push_event(event("e-1")).await;
            let other = client.frame().await;
            assert_eq!(event_id(&other), "e-1");
            client.accept(&other).await;
            client.accept(&flooded).await;
        })
    })
    .await;
    assert_eq!(report.acked, 1);
}

#[tokio::test]
async fn a_lost_connection_ends_the_flood() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    let (report, ()) = soon(async {
        tokio::join!(stream.flood(spec(1_000)), async {
            let frame = client.frame().await;
            client.accept(&frame).await;
            client.frame().await;
            drop(client);
        })
    })
    .await;
    assert!(report.sent < 1_000);
    let gone = FloodSpec { connection: FloodTarget::Id(1), ..spec(1) };
    assert_eq!(soon(stream.flood(gone)).await.sent, 0);
}

#[tokio::test]
async fn silence_ends_the_flood() {
    let stream = crate::client::stream_with(|c| {
        c.callback_timeout = std::time::Duration::from_millis(10);
    })
    .await;
    let _client = Client::connect(&stream).await;
    let report = soon(stream.flood(spec(10))).await;
    assert_eq!((report.sent, report.acked), (10, 0));
}
