use cardkey_sandbox::{ALICE, DEFAULT_APP_ID};
use serde_json::{Value, json};

use crate::bench::Bench;

const TABLES: &str = "/open-apis/apaas/v1/workspaces/ws_1/tables";
const RECORDS: &str = "/open-apis/apaas/v1/workspaces/ws_1/tables/orders/records";
const SQL: &str = "/open-apis/apaas/v1/workspaces/ws_1/sql_commands";

async fn token(bench: &Bench, scope: &str) -> String {
    bench.pair(ALICE, scope).await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn records_are_written_and_read_with_the_persons_token() {
    let bench = Bench::new().await;
    let token = token(&bench, "apaas:workspace:write apaas:app:read").await;
    let rows = json!([{"n": 1}, {"n": 2}, {"n": 3}]).to_string();
    let (status, answer) = bench.post(RECORDS, &token, &json!({"records": rows})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["data"]["record_ids"].as_array().unwrap().len(), 3);
    let (_, page) = bench.get(&format!("{RECORDS}?page_size=2"), &token).await;
    let items: Value = serde_json::from_str(page["data"]["items"].as_str().unwrap()).unwrap();
    assert_eq!((items.as_array().unwrap().len(), &items[0]["_created_by"]), (2, &json!(ALICE)));
    assert_eq!((&page["data"]["has_more"], &page["data"]["page_token"]), (&json!(true), &json!("2")));
    let (_, rest) = bench.get(&format!("{RECORDS}?page_token=2"), &token).await;
    assert_eq!((&rest["data"]["has_more"], &rest["data"]["total"]), (&json!(false), &json!(3)));
    assert_eq!(bench.get(TABLES, &token).await.1["data"]["items"], json!([{"name": "orders"}]));
    let (_, sql) = bench.post(SQL, &token, &json!({"sql": "SELECT * FROM orders;"})).await;
    assert!(sql["data"]["result"].as_str().unwrap().contains("\"n\":3"));
    assert_eq!(bench.get("/open-apis/apaas/v1/apps", &token).await.0, 200);
}

#[tokio::test]
async fn each_wrong_token_has_its_number() {
    let bench = Bench::new().await;
    let code = async |token: &str| bench.get(TABLES, token).await.1["code"].as_i64().unwrap();
    let bare = bench.http.get(bench.url(TABLES)).send().await.unwrap();
    assert_eq!(crate::bench::read(bare).await.1["code"], 99_991_661);
    let tenant = bench.tenant_token().await;
    assert_eq!(code(&tenant).await, 99_991_663);
    assert_eq!(code("t-fake").await, 99_991_663);
    assert_eq!(code("eyJfake").await, 99_991_668);
    assert_eq!(code("fake").await, 99_991_671);
    let poor = token(&bench, "im:message").await;
    let (status, refused) = bench.get(TABLES, &poor).await;
    assert_eq!((status, &refused["code"]), (400, &json!(99_991_679)));
    let violation = &refused["error"]["permission_violations"][0];
    assert_eq!(violation, &json!({"type": "action_privilege_required", "subject": "apaas:workspace:read"}));
    let reader = token(&bench, "apaas:workspace:read").await;
    assert_eq!(code(&reader).await, 0);
    assert_eq!(bench.post(RECORDS, &reader, &json!({"records": "[]"})).await.1["code"], 99_991_679);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "scopes": ["im:message"]})).await;
    assert_eq!(code(&reader).await, 99_991_672);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "scopes": ["apaas:workspace:read"]})).await;
    bench.advance(7_200_000).await;
    assert_eq!(code(&reader).await, 99_991_677);
    let fresh = token(&bench, "apaas:workspace:read").await;
    bench.control("/control/revoke", &json!({"open_id": ALICE})).await;
    assert_eq!(code(&fresh).await, 99_991_668);
}
