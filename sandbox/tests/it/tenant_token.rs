use cardkey_sandbox::{DEFAULT_APP_ID, DEFAULT_APP_SECRET};
use serde_json::{Value, json};

use crate::bench::{Bench, read};

const PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";

async fn ask(bench: &Bench, app_id: &str, secret: &str) -> (u16, Value) {
    // No content type, as the official Python SDK sends it.
    let body = json!({"app_id": app_id, "app_secret": secret}).to_string();
    read(bench.http.post(bench.url(PATH)).body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn the_same_token_comes_back_until_half_an_hour_is_left() {
    let bench = Bench::new().await;
    let (status, first) = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
    assert_eq!((status, &first["code"]), (200, &json!(0)));
    assert!(first["tenant_access_token"].as_str().unwrap().starts_with("t-"));
    assert_eq!(first["expire"], 7200);
    bench.advance(5_000_000).await;
    let (_, second) = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
    assert_eq!(first["tenant_access_token"], second["tenant_access_token"]);
    bench.advance(500_000).await;
    let (_, third) = ask(&bench, DEFAULT_APP_ID, DEFAULT_APP_SECRET).await;
    assert_ne!(first["tenant_access_token"], third["tenant_access_token"]);
    // Both stay valid: the old one still gets past authentication (and fails at the missing receiver).
    let old = first["tenant_access_token"].as_str().unwrap();
    let (_, answer) = bench.post("/open-apis/im/v1/messages", old, &json!({})).await;
    assert_eq!(answer["code"], 99_992_402);
}

#[tokio::test]
async fn failures_are_http_200_with_a_code() {
    let bench = Bench::new().await;
    let (status, unknown) = ask(&bench, "cli_0000000000000000", "x").await;
    assert_eq!((status, unknown), (200, json!({"code": 10003, "msg": "invalid param", "data": {}})));
    let (status, wrong) = ask(&bench, DEFAULT_APP_ID, "wrong").await;
    assert_eq!((status, &wrong["code"]), (200, &json!(10014)));
    let (status, empty) = ask(&bench, "", "").await;
    assert_eq!((status, &empty["code"]), (200, &json!(10003)));
}

#[tokio::test]
async fn other_methods_and_paths_are_a_plain_404() {
    let bench = Bench::new().await;
    for path in [PATH, "/open-apis/nothing/here"] {
        let answer = bench.http.get(bench.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.text().await.unwrap(), "404 page not found");
    }
    let slash = format!("{PATH}/");
    let body = json!({"app_id": DEFAULT_APP_ID, "app_secret": DEFAULT_APP_SECRET});
    assert_eq!(bench.post(&slash, "", &body).await.1["code"], 0);
}
