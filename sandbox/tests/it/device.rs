use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET};
use serde_json::{Value, json};

use crate::bench::{Bench, read};

async fn begin(bench: &Bench) -> Value {
    let sent = bench
        .http
        .post(bench.url("/oauth/v1/device_authorization"))
        .basic_auth(DEFAULT_APP_ID, Some(DEFAULT_APP_SECRET))
        .form(&[("client_id", DEFAULT_APP_ID), ("scope", "im:message offline_access")])
        .send()
        .await
        .unwrap();
    let (status, answer) = read(sent).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn poll(bench: &Bench, device: &Value) -> (u16, String) {
    let body =
        json!({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device["device_code"]});
    let (status, answer) = bench.token(&body).await;
    (status, answer["error"].as_str().unwrap_or_default().to_owned())
}

fn refused(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

#[tokio::test]
async fn a_person_allows_at_the_page_and_the_device_gets_its_pair_once() {
    let bench = Bench::new().await;
    let device = begin(&bench).await;
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(240), &json!(5)));
    assert_eq!(poll(&bench, &device).await, refused("authorization_pending"));
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let html = bench.http.get(complete).send().await.unwrap().text().await.unwrap();
    let user_code = device["user_code"].as_str().unwrap();
    assert!(html.contains(user_code) && html.contains("im:message"));
    let bare = bench.http.get(device["verification_uri"].as_str().unwrap()).send().await.unwrap();
    assert!(bare.text().await.unwrap().contains("name=\"user_code\""));
    let form = [("user_code", user_code), ("as", BOB), ("decision", "allow")];
    let done = bench.http.post(device["verification_uri"].as_str().unwrap()).form(&form).send().await.unwrap();
    assert_eq!(done.status(), 200);
    bench.advance(5000).await;
    let body =
        json!({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device["device_code"]});
    let (status, pair) = bench.token(&body).await;
    assert_eq!((status, &pair["scope"]), (200, &json!("im:message offline_access")));
    let (_, info) = bench.get("/open-apis/authen/v1/user_info", pair["access_token"].as_str().unwrap()).await;
    assert_eq!(info["data"]["open_id"], BOB);
    assert_eq!(poll(&bench, &device).await, refused("invalid_grant"));
}

#[tokio::test]
async fn polling_too_fast_costs_five_seconds() {
    let bench = Bench::new().await;
    bench.sandbox.feishu().clock.freeze(true);
    let device = begin(&bench).await;
    assert_eq!(poll(&bench, &device).await, refused("authorization_pending"));
    assert_eq!(poll(&bench, &device).await, refused("slow_down"));
    bench.advance(5500).await;
    assert_eq!(poll(&bench, &device).await, refused("slow_down"));
    bench.advance(16_000).await;
    assert_eq!(poll(&bench, &device).await, refused("authorization_pending"));
}

#[tokio::test]
async fn denied_and_expired_devices_stop() {
    let bench = Bench::new().await;
    let device = begin(&bench).await;
    let deny = json!({"user_code": device["user_code"], "open_id": ALICE, "decision": "deny"});
    bench.control("/control/device", &deny).await;
    assert_eq!(poll(&bench, &device).await, refused("access_denied"));
    let late = begin(&bench).await;
    bench.advance(240_000).await;
    assert_eq!(poll(&bench, &late).await, refused("expired_token"));
    let page = bench.http.get(late["verification_uri_complete"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 400);
    assert_eq!(poll(&bench, &json!({"device_code": "nonsense"})).await, refused("invalid_grant"));
    let body = json!({"client_id": DEFAULT_APP_ID, "client_secret": "wrong"});
    assert_eq!(bench.post("/oauth/v1/device_authorization", "", &body).await.1["code"], 20002);
}
