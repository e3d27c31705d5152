use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID};
use serde_json::json;

use crate::bench::{Bench, card};

#[tokio::test]
async fn the_page_and_its_files_are_served() {
    let bench = Bench::new().await;
    let page = bench.http.get(bench.url("/")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    let script = bench.http.get(bench.url("/assets/chat.js")).send().await.unwrap();
    assert_eq!(
        (script.status().as_u16(), &script.headers()["content-type"]),
        (200, &"text/javascript; charset=utf-8".parse().unwrap())
    );
    assert_eq!(bench.http.get(bench.url("/assets/none.js")).send().await.unwrap().status(), 404);
    let state = bench.look("/chat/api/state").await;
    assert_eq!(state["apps"][0]["app_id"], DEFAULT_APP_ID);
    assert_eq!(state["people"][1]["open_id"], BOB);
}

#[tokio::test]
async fn a_waiting_page_hears_of_new_and_changed_cards() {
    let bench = Bench::new().await;
    let news =
        async |after: u64| bench.look(&format!("/chat/api/messages?open_id={ALICE}&after={after}&wait=25")).await;
    let (first, id) = tokio::join!(news(0), bench.send_card(ALICE));
    assert_eq!(first["messages"][0]["message_id"], id);
    let version = first["version"].as_u64().unwrap();
    let change = async {
        let token = bench.tenant_token().await;
        let url = bench.url(&format!("/open-apis/im/v1/messages/{id}"));
        let body = json!({"content": card("new").to_string()});
        bench.http.patch(url).bearer_auth(token).json(&body).send().await.unwrap();
    };
    let (second, ()) = tokio::join!(news(version), change);
    assert_eq!(second["messages"][0]["card"], card("new"));
    assert!(second["version"].as_u64().unwrap() > version);
    let none = bench.look(&format!("/chat/api/messages?open_id={BOB}&after=0&wait=0")).await;
    assert_eq!(none, json!({"version": 0, "messages": []}));
    assert_eq!(bench.http.get(bench.url("/chat/api/messages?open_id=x")).send().await.unwrap().status(), 404);
}
