//! The load generator: what it sends, what it counts.

use std::collections::HashSet;

use cardkey_sandbox::websocket::flood::{FloodReport, FloodSpec};
use serde_json::{Value, json};

use super::client::Client;
use crate::bench::Bench;
use crate::client::soon;

/// How an event is known to who takes it: by its own id, or by that of its only delivery.
fn id(frame: &Value) -> String {
    let headers = &frame["headers"];
    headers.get("eventId").unwrap_or(&headers["messageId"]).as_str().unwrap().to_owned()
}

fn spec(events: u64) -> FloodSpec {
    FloodSpec { seconds: 600.0, events: Some(events), window: 16, ..FloodSpec::default() }
}

async fn flood(bench: &Bench, spec: FloodSpec) -> FloodReport {
    serde_json::from_value(bench.ding_control("/flood", &serde_json::to_value(&spec).unwrap()).await).unwrap()
}

#[tokio::test]
async fn events_and_taps_are_acknowledged_and_counted() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    let spec = FloodSpec { duplicates_permille: 200, ..spec(1_000) };
    let (mut ids, mut taps, mut last) = (HashSet::new(), 0, String::new());
    let (report, ()) = soon(async {
        tokio::join!(flood(&bench, spec), async {
            for _ in 0..1_000 {
                let frame = client.frame().await;
                assert_eq!(frame["data"].as_str().unwrap().len(), 1_000, "{frame}");
                assert!(frame["headers"]["connectionId"].is_string(), "{frame}");
                last = id(&frame);
                ids.insert(last.clone());
                taps += u64::from(frame["type"] == "CALLBACK");
                client.ack(&frame, 200, &json!({"status": "SUCCESS"})).await;
            }
        })
    })
    .await;
    assert_eq!((report.sent, report.acked, report.ack_errors), (1_000, 1_000, 0));
    assert_eq!(ids.len() as u64, 1_000 - report.duplicates);
    assert!((100..300).contains(&report.duplicates), "{report:?}");
    assert!((50..150).contains(&taps), "{taps} taps");
    assert_eq!(report.last_acked_event_ids.last(), Some(&last));
    assert!(report.last_acked_event_ids.iter().all(|id| ids.contains(id)));
}

#[tokio::test]
async fn a_tap_is_shaped_as_a_real_one() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    let only_taps = FloodSpec { card_every: 1, ..spec(1) };
    let (report, ()) = soon(async {
        tokio::join!(flood(&bench, only_taps), async {
            let frame = client.frame().await;
            assert_eq!(frame["headers"]["topic"], "/v1.0/card/instances/callback");
            let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
            let content: Value = serde_json::from_str(data["content"].as_str().unwrap()).unwrap();
            assert!(content["cardPrivateData"]["params"].is_object(), "{data}");
            client.ack(&frame, 200, &json!({"response": {}})).await;
        })
    })
    .await;
    assert_eq!(report.acked, 1);
}

#[tokio::test]
async fn later_is_no_acknowledgement() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    let (report, ()) = soon(async {
        tokio::join!(flood(&bench, spec(3)), async {
            for (code, status) in [(200, "SUCCESS"), (200, "LATER"), (500, "SUCCESS")] {
                let frame = client.frame().await;
                client.ack(&frame, code, &json!({"status": status})).await;
            }
        })
    })
    .await;
    assert_eq!((report.sent, report.acked, report.ack_errors), (3, 1, 2));
}

#[tokio::test]
async fn a_lost_connection_ends_the_flood() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    let (report, ()) = soon(async {
        tokio::join!(flood(&bench, spec(1_000)), async {
            client.frame().await;
            drop(client);
        })
    })
    .await;
    assert!(report.sent < 1_000 && report.acked == 0, "{report:?}");
}
