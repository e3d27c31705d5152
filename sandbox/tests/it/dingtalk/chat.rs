//! The chat page that looks like this platform's.

use cardkey_sandbox::{ALICE, DINGTALK_CLIENT_ID};
use serde_json::json;

use super::client::Client;
use crate::bench::Bench;

#[tokio::test]
async fn the_page_asks_its_own_platform() {
    let bench = Bench::new().await;
    let page = bench.http.get(bench.url("/dingtalk")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert!(page.text().await.unwrap().contains("data-base=\"/dingtalk\""));
    let state = bench.look("/dingtalk/chat/api/state").await;
    assert_eq!(
        (&state["apps"][0]["app_id"], &state["people"][0]["open_id"]),
        (&json!(DINGTALK_CLIENT_ID), &json!(ALICE))
    );
    let mut client = Client::connect(&bench).await;
    let say = json!({"open_id": ALICE, "app_id": DINGTALK_CLIENT_ID, "text": "hi"});
    assert_eq!(bench.control("/dingtalk/chat/api/say", &say).await["heard"], true);
    client.frame().await;
    let tap = json!({"open_id": ALICE, "message_id": "none", "action": {"action_ids": ["a"]}});
    assert_eq!(bench.control("/dingtalk/chat/api/tap", &tap).await["error"]["code"], "noCard");
    assert_eq!(bench.look("/chat/api/state").await["apps"].as_array().unwrap().len(), 1);
}
