//! Delivery by webhook: to an address on a real socket that answers as a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use cardkey_sandbox::feishu::stream::{PostOutcome, StreamLogEntry, StreamLogKind};
use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, Options};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::bench::{Bench, card};

/// The app's side: takes what is posted and answers with the next of its answers, or with 200 and `{}`.
#[derive(Clone, Default)]
struct App {
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
}

const CLOSE: [(HeaderName, &str); 1] = [(header::CONNECTION, "close")];

/// Each connection takes one post, so that an app that has gone cannot be reached.
async fn take(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, [(HeaderName, &'static str); 1], Json<Value>) {
    let challenge = body["challenge"].clone();
    app.seen.lock().unwrap().push((headers, body));
    if challenge.is_string() {
        return (StatusCode::OK, CLOSE, Json(json!({ "challenge": challenge })));
    }
    let (status, answer) = app.answers.lock().unwrap().pop_front().unwrap_or((200, json!({})));
    (StatusCode::from_u16(status).unwrap(), CLOSE, Json(answer))
}

impl App {
    /// Listens; gives its address. It ends with the tasks.
    async fn start(&self, tasks: &mut JoinSet<()>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(take)).with_state(self.clone());
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn will_answer(&self, status: u16, body: Value) {
        self.answers.lock().unwrap().push_back((status, body));
    }

    fn seen(&self) -> Vec<(HeaderMap, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn choose(bench: &Bench, url: &str, old_clicks: bool) {
    let choice = json!({ "mode": "webhook", "url": url, "old_clicks": old_clicks });
    let chosen = bench.control("/control/delivery", &choice).await;
    assert_eq!(chosen, json!({ "mode": "webhook", "url": url }));
}

/// Redelivers after 15 ms in place of 15 s.
async fn impatient() -> Bench {
    Bench::with(Options { time_scale: 0.001, ..Options::default() }).await
}

#[tokio::test]
async fn an_event_is_posted_until_it_is_taken() {
    let (bench, app, mut tasks) = (impatient().await, App::default(), JoinSet::new());
    choose(&bench, &app.start(&mut tasks).await, false).await;
    app.will_answer(500, json!({}));
    app.will_answer(404, json!({}));
    bench.control("/control/push", &json!({ "event_type": "a.b_v1", "event": { "n": 1 } })).await;
    let stream = bench.sandbox.feishu().stream(DEFAULT_APP_ID).unwrap();
    let outcomes = stream
        .wait_for(|log| {
            let of = |entry: &StreamLogEntry| match &entry.what {
                StreamLogKind::PostAnswered { status, outcome, .. } => Some((*status, *outcome)),
                _ => None,
            };
            let all: Vec<_> = log.iter().filter_map(of).collect();
            (all.len() == 3).then_some(all)
        })
        .await;
    let refused = PostOutcome::Refused;
    assert_eq!(outcomes, [(Some(500), refused), (Some(404), refused), (Some(200), PostOutcome::Settled)]);
    let seen = app.seen();
    let ids: Vec<_> = seen[1..].iter().map(|(_, body)| body["header"]["event_id"].clone()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!((&seen[0].1["type"], &seen[1].1["event"]["n"]), (&json!("url_verification"), &json!(1)));
}

#[tokio::test]
async fn a_click_waits_for_its_answer_and_fails_as_the_client_shows_it() {
    let (bench, app, mut tasks) = (Bench::new().await, App::default(), JoinSet::new());
    let url = app.start(&mut tasks).await;
    choose(&bench, &url, false).await;
    let id = bench.send_card(ALICE).await;
    let click = json!({ "open_id": ALICE, "message_id": id, "action": { "tag": "button", "value": { "a": 1 } } });
    let toast = json!({ "type": "success", "content": "ok" });
    app.will_answer(200, json!({ "toast": toast, "card": { "type": "raw", "data": card("after") } }));
    assert_eq!(bench.control("/control/tap", &click).await, json!({ "toast": toast, "error": null }));
    for (status, body, code) in [(500, json!({}), 200_671), (200, json!([]), 200_672)] {
        app.will_answer(status, body);
        assert_eq!(bench.control("/control/tap", &click).await["error"]["code"], code);
    }
    choose(&bench, &url, true).await;
    app.will_answer(200, json!({ "toast": toast, "schema": "2.0", "body": card("old")["body"] }));
    assert_eq!(bench.control("/control/tap", &click).await, json!({ "toast": toast, "error": null }));
    let (headers, flat) = app.seen().pop().unwrap();
    assert_eq!((&flat["open_message_id"], &flat["action"], flat.get("header")), (&json!(id), &click["action"], None));
    assert_eq!(headers["x-lark-signature"].len(), 40);
    tasks.shutdown().await;
    assert_eq!(bench.control("/control/tap", &click).await["error"]["code"], 200_342);
}

#[tokio::test]
async fn with_an_encrypt_key_it_is_sealed_and_signed_and_a_letter_can_be_had_without_being_posted() {
    let (bench, app, mut tasks) = (impatient().await, App::default(), JoinSet::new());
    choose(&bench, &app.start(&mut tasks).await, false).await;
    bench.control("/control/apps", &json!({ "app_id": DEFAULT_APP_ID, "encrypt_key": "the key" })).await;
    let letter = bench.control("/control/letter", &json!({ "envelope": { "a": 1 } })).await;
    assert_eq!((letter["headers"].as_array().unwrap().len(), app.seen().len()), (3, 1));
    let body: Value = serde_json::from_str(letter["body"].as_str().unwrap()).unwrap();
    assert!(body["encrypt"].is_string() && body.as_object().unwrap().len() == 1, "{body}");
    // This app cannot open the question, and the console stays with what it had.
    let before = bench.look("/control/delivery").await;
    for url in ["http://127.0.0.1:9/".to_owned(), app.start(&mut tasks).await] {
        let choice = json!({ "mode": "webhook", "url": url });
        assert_eq!(bench.post("/control/delivery", "", &choice).await.0, 409, "{url}");
    }
    assert_eq!(bench.look("/control/delivery").await, before);
    bench.control("/control/delivery", &json!({ "mode": "long_connection" })).await;
    assert_eq!(bench.look("/control/delivery").await, json!({ "mode": "long_connection" }));
}
