use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::{Bench, read};
use crate::client::soon;

const REFRESH: &str = "refresh_token";

async fn fault(bench: &Bench, action: Value) {
    let rule = json!({"match": {"api": "oauth_token", "grant_type": REFRESH}, "times": 1, "action": action});
    bench.control("/control/faults", &rule).await;
}

async fn send(bench: &Bench, token: &Value) -> Result<reqwest::Response, reqwest::Error> {
    let body = json!({"grant_type": REFRESH, "refresh_token": token,
        "client_id": DEFAULT_APP_ID, "client_secret": DEFAULT_APP_SECRET});
    bench.http.post(bench.url("/oauth/v3/token")).json(&body).send().await
}

#[tokio::test]
async fn drop_closes_before_acting_and_lose_answer_after() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "drop"})).await;
    assert!(send(&bench, &pair[REFRESH]).await.is_err());
    fault(&bench, json!({"kind": "lose_answer"})).await;
    assert!(send(&bench, &pair[REFRESH]).await.is_err());
    assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
    let log = bench.look("/control/log?grant_type=refresh_token").await;
    assert_eq!(
        (&log[0]["fault"], &log[0]["answered"], &log[0]["outcome"]),
        (&json!("drop"), &json!(false), &Value::Null)
    );
    assert_eq!((&log[1]["fault"], &log[1]["answered"]), (&json!("lose_answer"), &json!(false)));
    assert!(log[1]["outcome"]["issued"][REFRESH].is_string());
    assert_eq!((&log[2]["fault"], &log[2]["answered"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn status_and_body_answer_in_the_platforms_place() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let body = json!({"code": 20050, "error": "server_error"});
    fault(&bench, json!({"kind": "status", "status": 500, "body": body, "headers": {"x-thing": "1"}})).await;
    let sent = send(&bench, &pair[REFRESH]).await.unwrap();
    assert_eq!(sent.headers()["x-thing"], "1");
    assert_eq!(read(sent).await, (500, body));
    fault(&bench, json!({"kind": "body", "body_text": "not json", "headers": {"content-type": "text/html"}})).await;
    let sent = send(&bench, &pair[REFRESH]).await.unwrap();
    assert_eq!((sent.status().as_u16(), sent.headers()["content-type"].to_str().unwrap()), (200, "text/html"));
    assert_eq!(sent.text().await.unwrap(), "not json");
    // Neither acted; this one does.
    fault(&bench, json!({"kind": "body", "body_text": "{}", "act": true})).await;
    assert_eq!(read(send(&bench, &pair[REFRESH]).await.unwrap()).await, (200, json!({})));
    assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
}

#[tokio::test]
async fn raw_bytes_reach_the_client_as_they_are() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"cut\":";
    fault(&bench, json!({"kind": "raw", "bytes_base64": STANDARD.encode(answer)})).await;
    let sent = send(&bench, &pair[REFRESH]).await.unwrap();
    assert_eq!(sent.status(), 200);
    assert!(sent.text().await.is_err());
    let bad = json!({"action": {"kind": "raw", "bytes_base64": "%"}});
    let refused = bench.http.post(bench.url("/control/faults")).json(&bad).send().await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn held_requests_wait_for_their_release() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "hold", "act": true})).await;
    let held = send(&bench, &pair[REFRESH]);
    let released = async {
        let acted =
            |entry: &cardkey_sandbox::journal::Entry| entry.fault.as_deref() == Some("hold") && entry.outcome.is_some();
        let seen = bench.seen(acted).await;
        assert!(seen.done_ms.is_none());
        // It has acted: the token is spent although nobody has the answer.
        assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
        bench.control("/control/release", &json!({})).await;
    };
    let (held, ()) = tokio::join!(held, released);
    assert_eq!(held.unwrap().status(), 200);
}

#[tokio::test]
async fn the_platform_acts_although_the_client_hung_up() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "hold"})).await;
    tokio::select! {
        _ = send(&bench, &pair[REFRESH]) => panic!("the request was not held"),
        _ = bench.seen(|entry| entry.fault.as_deref() == Some("hold")) => {}
    }
    bench.control("/control/release", &json!({})).await;
    bench.seen(|entry| entry.fault.as_deref() == Some("hold") && entry.outcome.is_some()).await;
    assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
}

#[tokio::test]
async fn rules_match_count_and_skip() {
    let bench = Bench::new().await;
    let alice = bench.pair(ALICE, "offline_access").await;
    let bob = bench.pair(BOB, "offline_access").await;
    let busy = json!({"kind": "status", "status": 503, "body": {"code": 20072}});
    let rule = json!({"match": {"open_id": BOB}, "skip": 1, "times": 2, "action": busy});
    bench.control("/control/faults", &rule).await;
    assert_eq!(bench.refresh(&alice[REFRESH]).await.0, 200);
    let mut token = bob[REFRESH].clone();
    let (status, next) = bench.refresh(&token).await;
    assert_eq!(status, 200);
    token = next[REFRESH].clone();
    assert_eq!(bench.refresh(&token).await, (503, json!({"code": 20072})));
    assert_eq!(bench.refresh(&token).await.0, 503);
    assert_eq!(bench.refresh(&token).await.0, 200);
    assert_eq!(bench.look("/control/faults").await[0]["met"], 2);
    let cleared = bench.http.delete(bench.url("/control/faults")).send().await.unwrap();
    assert_eq!(cleared.status(), 204);
    assert_eq!(bench.look("/control/faults").await, json!([]));
}

#[tokio::test]
async fn a_delay_delays() {
    let bench = Bench::new().await;
    let rule = json!({"match": {"api": "tenant_token"}, "action": {"kind": "delay", "ms": 60_000}});
    bench.control("/control/faults", &rule).await;
    tokio::select! {
        _ = bench.tenant_token() => panic!("the answer was not delayed"),
        _ = bench.seen(|entry| entry.fault.as_deref() == Some("delay")) => {}
    }
    // A short one ends.
    bench.http.delete(bench.url("/control/faults")).send().await.unwrap();
    let rule = json!({"match": {"api": "tenant_token"}, "action": {"kind": "delay", "ms": 1}});
    bench.control("/control/faults", &rule).await;
    let answer = tokio::time::timeout(Duration::from_secs(30), bench.tenant_token()).await;
    assert!(answer.unwrap().starts_with("t-"));
}

#[tokio::test]
async fn a_share_meets_the_same_requests_for_the_same_seed() {
    let bench = Bench::new().await;
    let busy = json!({"kind": "status", "status": 503, "body": {}});
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let rule = json!({"match": {"api": "user_info"}, "share": 0.3, "seed": seed, "action": busy});
        bench.control("/control/faults", &rule).await;
        let mut met = Vec::new();
        for _ in 0..50 {
            met.push(bench.get("/open-apis/authen/v1/user_info", "x").await.0 == 503);
        }
        let rules = bench.look("/control/faults").await;
        let count = met.iter().filter(|met| **met).count();
        assert_eq!((&rules[0]["met"], &rules[0]["offered"]), (&json!(count), &json!(50)));
        assert!((5..=25).contains(&count), "{count} of 50");
        bench.http.delete(bench.url("/control/faults")).send().await.unwrap();
        runs.push(met);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let bad = json!({"share": 1.5, "action": {"kind": "drop"}});
    assert_eq!(bench.http.post(bench.url("/control/faults")).json(&bad).send().await.unwrap().status(), 400);
}

/// The bytes with which the platform answers a refresh, until it closes the connection.
async fn bytes_of_a_refresh(bench: &Bench, token: &Value) -> Vec<u8> {
    let body = json!({"grant_type": REFRESH, "refresh_token": token,
        "client_id": DEFAULT_APP_ID, "client_secret": DEFAULT_APP_SECRET})
    .to_string();
    let head = format!("POST /oauth/v3/token HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut socket = TcpStream::connect(bench.sandbox.address()).await.unwrap();
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(socket.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn an_answer_is_cut_after_so_many_bytes_and_the_platform_has_acted() {
    let bench = Bench::new().await;
    for bytes in [0, 1, 40, 500, 1500] {
        let pair = bench.pair(ALICE, "offline_access").await;
        fault(&bench, json!({"kind": "cut_answer", "bytes": bytes})).await;
        let answer = bytes_of_a_refresh(&bench, &pair[REFRESH]).await;
        assert_eq!(answer.len(), bytes);
        assert!(b"HTTP/1.1 200 OK\r\n".starts_with(&answer[..bytes.min(17)]));
        assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
        let log = bench.look("/control/log?grant_type=refresh_token").await;
        let cut = log.as_array().unwrap().iter().rev().find(|entry| entry["fault"] == "cut_answer").unwrap();
        assert_eq!((&cut["answered"], &cut["written"]), (&json!(false), &json!(false)), "{bytes}");
        assert!(cut["outcome"]["issued"][REFRESH].is_string());
    }
}

#[tokio::test]
async fn an_answer_shorter_than_the_cut_is_whole() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "cut_answer", "bytes": 100_000})).await;
    let answer = String::from_utf8(bytes_of_a_refresh(&bench, &pair[REFRESH]).await).unwrap();
    let next: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(bench.look("/control/log?grant_type=refresh_token").await[0]["written"], true);
    assert_eq!(bench.refresh(&next[REFRESH]).await.0, 200);
}

#[tokio::test]
async fn the_log_tells_which_answers_were_written_out_whole() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "lose_answer"})).await;
    assert!(send(&bench, &pair[REFRESH]).await.is_err());
    bench.refresh(&pair[REFRESH]).await;
    fault(&bench, json!({"kind": "hold"})).await;
    tokio::select! {
        _ = send(&bench, &pair[REFRESH]) => panic!("the request was not held"),
        _ = bench.seen(|entry| entry.fault.as_deref() == Some("hold")) => {}
    }
    // The client has hung up: whatever the platform will answer, nobody has it.
    let hung_up =
        |entry: &cardkey_sandbox::journal::Entry| entry.fault.as_deref() == Some("hold") && entry.written.is_some();
    assert_eq!(bench.seen(hung_up).await.written, Some(false));
    let log = bench.look("/control/log?grant_type=refresh_token").await;
    let written: Vec<_> = log.as_array().unwrap().iter().map(|entry| entry["written"].as_bool()).collect();
    assert_eq!(written, [Some(false), Some(true), Some(false)]);
}
