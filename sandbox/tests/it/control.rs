use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, Options};
use serde_json::json;

use crate::bench::{Bench, read};

#[tokio::test]
async fn people_are_there_added_and_changed() {
    let bench = Bench::with(Options { generated_people: 1000, ..Options::default() }).await;
    let people = bench.look("/control/people").await;
    assert_eq!(people.as_array().unwrap().len(), 1003);
    assert_eq!((&people[0]["open_id"], &people[0]["locale"]), (&json!(ALICE), &json!("zh")));
    let added = bench.control("/control/people", &json!({"name": "Dora", "tenant_key": "t2"})).await;
    let id = added["open_id"].as_str().unwrap();
    assert!(id.starts_with("ou_") && id.len() == 35);
    bench.control("/control/people", &json!({"open_id": id, "frozen": true})).await;
    let people = bench.look("/control/people").await;
    let dora = people.as_array().unwrap().last().unwrap();
    assert_eq!((&dora["name"], &dora["frozen"], &dora["tenant_key"]), (&json!("Dora"), &json!(true), &json!("t2")));
}

#[tokio::test]
async fn apps_are_added_and_keep_their_secret_to_themselves() {
    let bench = Bench::new().await;
    let added = bench.control("/control/apps", &json!({"app_id": "cli_00000000000000ff", "name": "Second"})).await;
    assert_eq!(added["secret"].as_str().unwrap().len(), 32);
    let apps = bench.look("/control/apps").await;
    assert_eq!((&apps[0]["app_id"], &apps[1]["name"]), (&json!(DEFAULT_APP_ID), &json!("Second")));
    assert!(!apps.to_string().contains(added["secret"].as_str().unwrap()));
    let body = json!({"AppID": "cli_00000000000000ff", "AppSecret": added["secret"]});
    let (_, endpoint) = bench.post("/callback/ws/endpoint", "", &body).await;
    assert_eq!(endpoint["code"], 0);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let bench = Bench::new().await;
    for (path, body, status) in [
        ("/control/faults", json!({"action": {"kind": "explode"}}), 422),
        ("/control/faults", json!({"action": {"kind": "drop"}, "mtach": {}}), 422),
        ("/control/faults", json!({"match": {"open_id": "ou_x"}, "action": {"kind": "drop"}}), 404),
        ("/control/code", json!({"open_id": "ou_x", "redirect_uri": "http://x"}), 404),
        ("/control/push", json!({}), 400),
        ("/control/device", json!({"user_code": "XXXX-XXXX", "open_id": ALICE}), 409),
    ] {
        let sent = bench.http.post(bench.url(path)).json(&body).send().await.unwrap();
        assert_eq!(read(sent).await.0, status, "{path} {body}");
    }
}

#[tokio::test]
async fn the_log_can_be_paged_and_forgotten() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.tenant_token().await;
    }
    let log = bench.look("/control/log?limit=2").await;
    assert_eq!(log.as_array().unwrap().len(), 2);
    let after = bench.look(&format!("/control/log?after={}", log[1]["seq"])).await;
    assert_eq!(after.as_array().unwrap().len(), 1);
    assert_eq!(after[0]["api"], "tenant_token");
    bench.http.delete(bench.url("/control/log")).send().await.unwrap();
    assert_eq!(bench.look("/control/log").await, json!([]));
    bench.tenant_token().await;
    assert_eq!(bench.look("/control/log").await[0]["seq"], 4);
}

#[tokio::test]
async fn stopping_does_not_wait_for_what_a_fault_holds() {
    let bench = Bench::new().await;
    let rule = json!({"action": {"kind": "hold"}});
    bench.control("/control/faults", &rule).await;
    let request = bench.http.get(bench.url("/open-apis/authen/v1/user_info"));
    tokio::select! {
        _ = request.send() => panic!("the request was not held"),
        _ = bench.seen(|entry| entry.fault.is_some()) => {}
    }
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn stopping_closes_the_door() {
    let bench = Bench::new().await;
    let url = bench.url("/chat/api/state");
    assert_eq!(bench.http.get(&url).send().await.unwrap().status(), 200);
    bench.sandbox.stop().await;
    assert!(bench.http.get(&url).send().await.is_err());
}
