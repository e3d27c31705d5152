use cardkey_sandbox::{ALICE, BOB, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use crate::bench::Bench;

const PATH: &str = "/open-apis/authen/v1/user_info";

fn access(pair: &Value) -> &str {
    pair["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn tells_whose_token_it_is_and_more_with_scopes() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "im:message").await;
    let (status, answer) = bench.get(PATH, access(&pair)).await;
    assert_eq!((status, &answer["code"]), (200, &json!(0)));
    let data = &answer["data"];
    assert_eq!((&data["open_id"], &data["tenant_key"]), (&json!(ALICE), &json!(DEFAULT_TENANT_KEY)));
    assert!(data["mobile"].is_null() && data["email"].is_null() && data["user_id"].is_null());
    let pair = bench.pair(BOB, "contact:user.phone:readonly contact:user.email:readonly").await;
    let data = bench.get(PATH, access(&pair)).await.1["data"].clone();
    assert!(data["mobile"].is_string() && data["email"].is_string());
}

#[tokio::test]
async fn bad_tokens_and_people_have_their_numbers() {
    let bench = Bench::new().await;
    assert_eq!(bench.get(PATH, "eyJnonsense").await.1["code"], 20005);
    let tenant = bench.tenant_token().await;
    assert_eq!(bench.get(PATH, &tenant).await.1["code"], 99_991_663);
    let bare = bench.http.get(bench.url(PATH)).send().await.unwrap();
    assert_eq!(crate::bench::read(bare).await.1["code"], 99_991_661);
    let pair = bench.pair(ALICE, "").await;
    for (change, expected) in [
        (json!({"open_id": ALICE, "resigned": true}), 20021),
        (json!({"open_id": ALICE, "resigned": false, "frozen": true}), 20022),
        (json!({"open_id": ALICE, "frozen": false, "unregistered": true}), 20023),
        (json!({"open_id": ALICE, "unregistered": false, "removed": true}), 20008),
        (json!({"open_id": ALICE, "removed": false}), 0),
    ] {
        bench.control("/control/people", &change).await;
        assert_eq!(bench.get(PATH, access(&pair)).await.1["code"], expected);
    }
    bench.advance(7_200_000).await;
    assert_eq!(bench.get(PATH, access(&pair)).await.1["code"], 20005);
}
