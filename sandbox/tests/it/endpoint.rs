use cardkey_sandbox::{DEFAULT_APP_ID, DEFAULT_APP_SECRET};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::client::Client;

async fn ask(bench: &Bench, app_id: &str, secret: &str) -> Value {
    let body = json!({"AppID": app_id, "AppSecret": secret});
    let (status, answer) = bench.post("/callback/ws/endpoint", "", &body).await;
    assert_eq!(status, 200);
    answer
}

#[tokio::test]
async fn gives_an_address_and_all_four_settings() {
    let bench = Bench::new().await;
    let answer = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
    assert_eq!(answer["code"], 0);
    let url = answer["data"]["URL"].as_str().unwrap();
    assert!(url.starts_with("ws://127.0.0.1:") && url.contains("/ws/v2?"));
    let first = url.split_once('?').unwrap().1;
    assert!(!first.starts_with("service_id"));
    for name in ["ReconnectCount", "ReconnectInterval", "ReconnectNonce", "PingInterval"] {
        assert!(answer["data"]["ClientConfig"][name].is_i64(), "{name}");
    }
}

#[tokio::test]
async fn refuses_with_codes_and_an_empty_object() {
    let bench = Bench::new().await;
    assert_eq!(ask(&bench, DEFAULT_APP_ID, "wrong").await, json!({"code": 514, "msg": "auth failed", "data": {}}));
    assert_eq!(ask(&bench, DEFAULT_APP_ID, "").await["code"], 1_000_040_344);
    assert_eq!(ask(&bench, "cli_0000000000000000", "x").await["code"], 1_000_040_345);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "enabled": false})).await;
    assert_eq!(ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await["code"], 403);
}

#[tokio::test]
async fn fifty_connections_are_the_limit() {
    let bench = Bench::new().await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let answer = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
        let url = answer["data"]["URL"].as_str().unwrap();
        clients.push(Client::dial(url).await.unwrap());
    }
    let stream = bench.sandbox.feishu().stream(DEFAULT_APP_ID).unwrap();
    stream.wait_for_connections(50).await;
    let refused = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
    assert_eq!(refused["code"], 1_000_040_350);
    assert_eq!(refused["data"], json!({}));
}
