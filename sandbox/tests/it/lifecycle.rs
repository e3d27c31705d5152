//! Tokens, people and apps come to an end: the platform refuses what it must, and tells of it over the long connection.

use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use crate::bench::{Bench, CREATE, card};
use crate::client::Client;

const USER_INFO: &str = "/open-apis/authen/v1/user_info";
const APPS: &str = "/open-apis/apaas/v1/apps";

async fn connect(bench: &Bench, app_id: &str) -> Client {
    Client::connect(&bench.sandbox.feishu().stream(app_id).unwrap()).await
}

/// The next event, accepted.
async fn event(client: &mut Client) -> Value {
    let frame = client.frame().await;
    client.accept(&frame).await;
    serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap()
}

#[tokio::test]
async fn one_kind_of_token_can_be_revoked_alone() {
    let bench = Bench::new().await;
    let mut client = connect(&bench, DEFAULT_APP_ID).await;
    let pair = bench.pair(ALICE, "offline_access apaas:app:read").await;
    let access = pair["access_token"].as_str().unwrap();
    let reason = "Revoked by administrator.";
    let body = json!({"open_id": ALICE, "tokens": "access", "reason": reason});
    let answer = bench.control("/control/revoke", &body).await;
    assert_eq!(answer["died"], 1);
    let told = event(&mut client).await;
    assert_eq!((&told["header"]["event_id"], &told["header"]["app_id"]), (&answer["event_id"], &json!(DEFAULT_APP_ID)));
    assert_eq!(told["header"]["event_type"], "auth.user_access_token.revoked_v4");
    let ids = &told["event"];
    assert_eq!((&ids["open_id"], &ids["revoke_token_type"]), (&json!(ALICE), &json!("user_access_token")));
    assert_eq!(ids["revoke_reason"], reason);
    assert_eq!(bench.get(APPS, access).await.1["code"], 99_991_668);
    // The refresh token and the consent live.
    let (status, next) = bench.refresh(&pair["refresh_token"]).await;
    assert_eq!((status, &next["scope"]), (200, &json!("apaas:app:read offline_access")));
    bench.control("/control/revoke", &json!({"open_id": ALICE, "tokens": "refresh"})).await;
    assert_eq!(event(&mut client).await["event"]["revoke_token_type"], "refresh_token");
    assert_eq!(bench.refresh(&next["refresh_token"]).await.1["code"], 20064);
    assert_eq!(bench.get(APPS, next["access_token"].as_str().unwrap()).await.0, 200);
    // Without the event nobody is told: the next one is another's.
    bench.control("/control/revoke", &json!({"open_id": ALICE, "push": false})).await;
    bench.control("/control/departure", &json!({"open_id": ALICE})).await;
    assert_eq!(event(&mut client).await["header"]["event_type"], "contact.user.deleted_v3");
}

#[tokio::test]
async fn a_frozen_person_is_refused_and_a_thawed_one_is_not() {
    let bench = Bench::new().await;
    let mut client = connect(&bench, DEFAULT_APP_ID).await;
    let pair = bench.pair(ALICE, "offline_access apaas:app:read").await;
    let access = pair["access_token"].as_str().unwrap();
    bench.control("/control/person_status", &json!({"open_id": ALICE, "frozen": true})).await;
    let told = event(&mut client).await;
    assert_eq!(told["header"]["event_type"], "contact.user.updated_v3");
    assert_eq!(told["event"]["object"]["open_id"], ALICE);
    assert_eq!(told["event"]["object"]["status"]["is_frozen"], true);
    assert_eq!(told["event"]["old_object"]["status"]["is_frozen"], false);
    assert_eq!(bench.refresh(&pair["refresh_token"]).await.1["code"], 20066);
    assert_eq!(bench.get(USER_INFO, access).await.1["code"], 20022);
    assert_eq!(bench.get(APPS, access).await.1["code"], 99_991_668);
    bench.control("/control/person_status", &json!({"open_id": ALICE, "frozen": false})).await;
    assert_eq!(event(&mut client).await["event"]["object"]["status"]["is_frozen"], false);
    assert_eq!(bench.get(APPS, access).await.0, 200);
    assert_eq!(bench.refresh(&pair["refresh_token"]).await.0, 200);
}

#[tokio::test]
async fn who_has_left_is_refused_whichever_way_they_went() {
    let bench = Bench::new().await;
    let mut client = connect(&bench, DEFAULT_APP_ID).await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let access = pair["access_token"].as_str().unwrap();
    for flag in ["resigned", "exited"] {
        bench.control("/control/person_status", &json!({"open_id": ALICE, flag: true})).await;
        assert_eq!(event(&mut client).await["event"]["object"]["status"][format!("is_{flag}")], true);
        assert_eq!(bench.refresh(&pair["refresh_token"]).await.1["code"], 20066, "{flag}");
        assert_eq!(bench.get(USER_INFO, access).await.1["code"], 20021, "{flag}");
        let tenant = bench.tenant_token().await;
        let body = json!({"receive_id": ALICE, "msg_type": "interactive", "content": card("x").to_string()});
        assert_eq!(bench.post(CREATE, &tenant, &body).await.1["code"], 230_013, "{flag}");
        bench.control("/control/person_status", &json!({"open_id": ALICE, flag: false})).await;
        event(&mut client).await;
    }
    bench.control("/control/departure", &json!({"open_id": ALICE})).await;
    let told = event(&mut client).await;
    assert_eq!(told["header"]["event_type"], "contact.user.deleted_v3");
    assert_eq!(
        (&told["event"]["object"]["open_id"], &told["event"]["old_object"]["open_id"]),
        (&json!(ALICE), &json!(ALICE))
    );
    assert_eq!(bench.refresh(&pair["refresh_token"]).await.1["code"], 20066);
}

#[tokio::test]
async fn every_app_of_the_tenant_hears_of_a_person_under_its_own_id() {
    let bench = Bench::new().await;
    let second = "cli_00000000000000ff";
    bench.control("/control/apps", &json!({"app_id": second})).await;
    bench.control("/control/apps", &json!({"app_id": "cli_00000000000000fe", "tenant_key": "another"})).await;
    let mut clients = [connect(&bench, DEFAULT_APP_ID).await, connect(&bench, second).await];
    let answer = bench.control("/control/person_status", &json!({"open_id": ALICE, "resigned": true})).await;
    let event_ids = answer["event_ids"].as_object().unwrap();
    assert_eq!(event_ids.keys().collect::<Vec<_>>(), [second, DEFAULT_APP_ID], "not the other tenant's app");
    let told = [event(&mut clients[0]).await, event(&mut clients[1]).await];
    assert_eq!(told[0]["event"]["object"]["open_id"], ALICE);
    assert_ne!(told[1]["event"]["object"]["open_id"], ALICE);
    assert_eq!(told[0]["event"]["object"]["union_id"], told[1]["event"]["object"]["union_id"]);
}

#[tokio::test]
async fn a_stopped_app_is_refused_everywhere_until_it_is_started() {
    let bench = Bench::new().await;
    let mut client = connect(&bench, DEFAULT_APP_ID).await;
    let pair = bench.pair(ALICE, "offline_access apaas:app:read").await;
    let (access, tenant) = (pair["access_token"].as_str().unwrap(), bench.tenant_token().await);
    let message = json!({"receive_id": ALICE, "msg_type": "interactive", "content": card("x").to_string()});
    let endpoint = json!({"AppID": DEFAULT_APP_ID, "AppSecret": DEFAULT_APP_SECRET});
    for status in ["stop_by_tenant", "stop_by_platform"] {
        let answer = bench.control("/control/app_status", &json!({"status": status})).await;
        let told = event(&mut client).await;
        assert_eq!((&told["uuid"], &told["type"]), (&answer["event_id"], &json!("event_callback")));
        let about = json!({"type": "app_status_change", "app_id": DEFAULT_APP_ID,
            "tenant_key": DEFAULT_TENANT_KEY, "status": status});
        assert_eq!((&told["event"], told.get("schema")), (&about, None));
        assert_eq!(bench.refresh(&pair["refresh_token"]).await.1["code"], 20069);
        assert_eq!(bench.get(APPS, access).await.1["code"], 99_991_662);
        assert_eq!(bench.post(CREATE, &tenant, &message).await.1["code"], 99_991_662);
        assert_eq!(bench.post("/callback/ws/endpoint", "", &endpoint).await.1["code"], 403);
    }
    bench.control("/control/app_status", &json!({"status": "start_by_tenant"})).await;
    let told = event(&mut client).await;
    assert_eq!(
        (&told["event"]["status"], &told["event"]["operator"]["open_id"]),
        (&json!("start_by_tenant"), &json!(ALICE))
    );
    assert_eq!(bench.get(APPS, access).await.0, 200);
    assert_eq!(bench.post(CREATE, &tenant, &message).await.0, 200);
    assert_eq!(bench.refresh(&pair["refresh_token"]).await.0, 200);
}
