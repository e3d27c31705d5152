//! What people write to a robot, and what it writes back.

use cardkey_sandbox::{ALICE, DINGTALK_CLIENT_ID};
use serde_json::{Value, json};

use super::client::Client;
use crate::bench::{Bench, read};

async fn texts(bench: &Bench) -> Vec<Value> {
    let messages = bench.look(&format!("/dingtalk/control/messages?open_id={ALICE}")).await;
    messages["messages"].as_array().unwrap().iter().map(|message| message["card"]["text"].clone()).collect()
}

#[tokio::test]
async fn a_message_arrives_and_its_webhook_leads_back() {
    let bench = Bench::new().await;
    let mut client = Client::connect(&bench).await;
    bench.ding_control("/say", &json!({"open_id": ALICE, "text": "hello"})).await;
    let frame = client.frame().await;
    assert_eq!((&frame["type"], &frame["headers"]["topic"]), (&json!("CALLBACK"), &json!("/v1.0/im/bot/messages/get")));
    let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
    assert_eq!((&data["text"]["content"], &data["conversationType"]), (&json!("hello"), &json!("1")));
    assert_eq!(
        (&data["senderStaffId"], &data["robotCode"]),
        (&json!(bench.user_id(ALICE)), &json!(DINGTALK_CLIENT_ID))
    );
    let webhook = data["sessionWebhook"].as_str().unwrap();
    assert!(webhook.starts_with(&bench.sandbox.base_url()));
    let answer = json!({"msgtype": "text", "text": {"content": "hi Alice"}});
    let (_, sent) = read(bench.http.post(webhook).json(&answer).send().await.unwrap()).await;
    assert_eq!(sent, json!({"errcode": 0, "errmsg": "ok"}));
    assert_eq!(texts(&bench).await, ["hi Alice"]);
    bench.advance(90 * 60 * 1000).await;
    let (_, late) = read(bench.http.post(webhook).json(&answer).send().await.unwrap()).await;
    assert_ne!(late["errcode"], 0);
    bench.ding_control("/say", &json!({"open_id": ALICE, "text": "all", "group": true})).await;
    let data: Value = serde_json::from_str(client.frame().await["data"].as_str().unwrap()).unwrap();
    assert_eq!((&data["text"]["content"], &data["conversationType"]), (&json!(" all"), &json!("2")));
}

#[tokio::test]
async fn a_robot_writes_by_itself() {
    let bench = Bench::new().await;
    let token = bench.ding_app_token().await;
    let body = json!({"robotCode": DINGTALK_CLIENT_ID, "userIds": [bench.user_id(ALICE), "nobody"],
        "msgKey": "sampleText", "msgParam": json!({"content": "by myself"}).to_string()});
    let (status, answer) = bench.ding_post("/v1.0/robot/oToMessages/batchSend", &token, &body).await;
    assert_eq!((status, &answer["invalidStaffIdList"]), (200, &json!(["nobody"])));
    assert!(answer["processQueryKey"].is_string());
    assert_eq!(texts(&bench).await, ["by myself"]);
}
