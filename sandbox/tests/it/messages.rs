use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, Options};
use serde_json::{Value, json};

use crate::bench::{Bench, CREATE, card};

async fn send(bench: &Bench, token: &str, to: &str, content: &str) -> (u16, i64, String) {
    let body = json!({"receive_id": to, "msg_type": "interactive", "content": content});
    let (status, answer) = bench.post(CREATE, token, &body).await;
    (status, answer["code"].as_i64().unwrap(), answer["msg"].as_str().unwrap().to_owned())
}

async fn patch(bench: &Bench, token: &str, message_id: &str, content: &str) -> (u16, i64) {
    let url = bench.url(&format!("/open-apis/im/v1/messages/{message_id}"));
    let sent = bench.http.patch(url).bearer_auth(token).json(&json!({"content": content})).send().await.unwrap();
    let (status, answer) = crate::bench::read(sent).await;
    (status, answer["code"].as_i64().unwrap())
}

#[tokio::test]
async fn a_card_is_sent_and_changed_in_place() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    let body = json!({"receive_id": ALICE, "msg_type": "interactive", "content": card("one").to_string()});
    let (status, answer) = bench.post(CREATE, &token, &body).await;
    assert_eq!((status, &answer["code"]), (200, &json!(0)));
    let data = &answer["data"];
    let id = data["message_id"].as_str().unwrap();
    assert!(id.starts_with("om_") && data["chat_id"].as_str().unwrap().starts_with("oc_"));
    assert_eq!(data["sender"]["id"], DEFAULT_APP_ID);
    assert_eq!(data["body"]["content"], card("one").to_string());
    assert_eq!(patch(&bench, &token, id, &card("two").to_string()).await, (200, 0));
    let seen = bench.look(&format!("/control/messages?open_id={ALICE}")).await;
    assert_eq!(seen["messages"].as_array().unwrap().len(), 1);
    assert_eq!(seen["messages"][0]["card"], card("two"));
    assert_eq!(seen["messages"][0]["updated"], true);
}

#[tokio::test]
async fn a_uuid_sends_once_within_the_hour() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    let body = json!({"receive_id": ALICE, "msg_type": "interactive", "content": card("x").to_string(), "uuid": "u-1"});
    let id = |answer: (u16, Value)| answer.1["data"]["message_id"].as_str().unwrap().to_owned();
    let first = id(bench.post(CREATE, &token, &body).await);
    assert_eq!(id(bench.post(CREATE, &token, &body).await), first);
    bench.advance(3_600_000).await;
    assert_ne!(id(bench.post(CREATE, &token, &body).await), first);
    let long = json!({"receive_id": ALICE, "msg_type": "interactive", "content": "{}", "uuid": "u".repeat(51)});
    assert_eq!(bench.post(CREATE, &token, &long).await.1["code"], 99_992_402);
}

#[tokio::test]
async fn people_out_of_reach_are_refused() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    let fine = card("x").to_string();
    for change in [
        json!({"available": false}),
        json!({"resigned": true}),
        json!({"frozen": true}),
        json!({"tenant_key": "other"}),
    ] {
        let mut person = change.clone();
        person["name"] = json!("Somebody");
        let open_id = bench.control("/control/people", &person).await["open_id"].as_str().unwrap().to_owned();
        assert_eq!(send(&bench, &token, &open_id, &fine).await.1, 230_013, "{change}");
    }
    assert_eq!(send(&bench, &token, "ou_nobody", &fine).await.1, 99_992_351);
}

#[tokio::test]
async fn an_id_of_another_app_is_refused() {
    let bench = Bench::new().await;
    let other = "cli_00000000000000ff";
    bench.control("/control/apps", &json!({"app_id": other})).await;
    let people = bench.look("/control/people").await;
    let theirs = people[0]["open_ids"][other].as_str().unwrap();
    assert_ne!(theirs, ALICE);
    let token = bench.tenant_token().await;
    assert_eq!(send(&bench, &token, theirs, &card("x").to_string()).await.1, 99_992_361);
}

#[tokio::test]
async fn bad_cards_are_refused_with_their_sub_code() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    let old = json!({"schema": "2.0", "body": {"elements": [{"tag": "action", "actions": []}]}}).to_string();
    let (status, code, msg) = send(&bench, &token, ALICE, &old).await;
    assert_eq!((status, code), (400, 230_099));
    assert!(msg.contains("200861"), "{msg}");
    let (_, code, msg) = send(&bench, &token, ALICE, "{").await;
    assert!(code == 230_099 && msg.contains("200621"), "{msg}");
    let huge = card(&"x".repeat(31 * 1024)).to_string();
    assert_eq!(send(&bench, &token, ALICE, &huge).await.1, 230_025);
}

#[tokio::test]
async fn only_a_live_tenant_token_of_an_app_with_a_bot_sends() {
    let bench = Bench::new().await;
    let fine = card("x").to_string();
    assert_eq!(send(&bench, "t-fake", ALICE, &fine).await.1, 99_991_663);
    let user = bench.pair(ALICE, "").await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(send(&bench, &user, ALICE, &fine).await.1, 99_991_663);
    let token = bench.tenant_token().await;
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "bot": false})).await;
    assert_eq!(send(&bench, &token, ALICE, &fine).await.1, 230_006);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "bot": true})).await;
    bench.advance(7_200_000).await;
    assert_eq!(send(&bench, &token, ALICE, &fine).await.1, 99_991_663);
    let bare = bench.http.post(bench.url(CREATE)).send().await.unwrap();
    assert_eq!(crate::bench::read(bare).await.1["code"], 99_991_661);
}

#[tokio::test]
async fn old_foreign_and_absent_cards_are_not_changed() {
    let bench = Bench::with(Options { time_scale: 0.001, ..Options::default() }).await;
    let token = bench.tenant_token().await;
    let id = bench.send_card(ALICE).await;
    let fine = card("new").to_string();
    assert_eq!(patch(&bench, &token, "om_absent", &fine).await, (400, 230_110));
    let other = bench.control("/control/apps", &json!({"app_id": "cli_00000000000000ff"})).await;
    let body = json!({"app_id": other["app_id"], "app_secret": other["secret"]});
    let (_, answer) = bench.post("/open-apis/auth/v3/tenant_access_token/internal", "", &body).await;
    let foreign = answer["tenant_access_token"].as_str().unwrap();
    assert_eq!(patch(&bench, foreign, &id, &fine).await, (400, 200_310));
    // 14 days at a thousandth are 1,209.6 s: less than the tenant token's life.
    bench.advance(1_210_000).await;
    assert_eq!(patch(&bench, &token, &id, &fine).await, (400, 230_031));
}

#[tokio::test]
async fn receivers_can_be_named_in_other_ways() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    let people = bench.look("/control/people").await;
    let union = people[0]["union_id"].clone();
    let text = json!({"text": "hello"}).to_string();
    let body = json!({"receive_id": union, "msg_type": "text", "content": text});
    let (_, sent) = bench.post("/open-apis/im/v1/messages?receive_id_type=union_id", &token, &body).await;
    assert_eq!(sent["code"], 0);
    let body = json!({"receive_id": sent["data"]["chat_id"], "msg_type": "text", "content": text});
    let (_, again) = bench.post("/open-apis/im/v1/messages?receive_id_type=chat_id", &token, &body).await;
    assert_eq!(again["data"]["chat_id"], sent["data"]["chat_id"]);
    let (_, wrong) = bench.post("/open-apis/im/v1/messages?receive_id_type=x", &token, &body).await;
    assert_eq!(wrong["code"], 99_992_402);
}
