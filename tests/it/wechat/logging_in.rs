//! What is told of a person who logs in.

use cardkey_sandbox::{ALICE, BOB, WECHAT_APP_ID};
use serde_json::{Value, json};

use super::{path, world};
use crate::harness::World;

fn facts(reply: &Value) -> [Value; 3] {
    ["platform", "app", "subject"].map(|name| reply[name].clone())
}

#[tokio::test]
async fn a_code_becomes_an_identity_and_nothing_secret_is_told() {
    let world = world().await;
    let reply = world.log_in(ALICE, &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let alice = reply.json();
    let names: Vec<&String> = alice.as_object().unwrap().keys().collect();
    assert_eq!(names, ["app", "platform", "subject", "union_id"], "and no session key");
    let again = world.log_in(ALICE, &json!({})).await.json();
    assert_eq!(facts(&again), facts(&alice));
    assert_ne!(world.log_in(BOB, &json!({})).await.json()["subject"], alice["subject"]);
    assert_eq!(reply.header("cache-control"), "no-store");
    world.weixin("apps", &json!({ "app_id": WECHAT_APP_ID, "installed": false })).await;
    let unbound = world.log_in(ALICE, &json!({})).await.json();
    assert_eq!((facts(&unbound), unbound.get("union_id")), (facts(&alice), None), "the app is bound to nothing");
    assert_eq!(world.logins("verified").await, 4);
    world.end().await;
}

#[tokio::test]
async fn what_was_made_before_the_login_is_opened_with_the_key_before() {
    let world = world().await;
    let first = world.log_in(ALICE, &json!({})).await.json();
    let given = world.user_info(ALICE, &json!({})).await;
    let reply = world.log_in(ALICE, &given).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let told = reply.json();
    assert_eq!(told["open_data"]["openId"], first["subject"]);
    assert_eq!(told["open_data"]["unionId"], first["union_id"]);
    assert!(told["open_data"].get("watermark").is_none());
    assert_eq!(told["profile"]["nickName"], "Alice 陈爱丽");
    let twice_old = world.log_in(ALICE, &given).await;
    assert_eq!((twice_old.status, twice_old.problem().as_str()), (422, "data-not-genuine"), "two logins later");
    world.end().await;
}

#[tokio::test]
async fn a_phone_number_comes_by_a_code_of_its_own() {
    let world = world().await;
    let phone_code = world.weixin("phone_code", &json!({ "open_id": ALICE })).await["code"].clone();
    let body = json!({ "code": world.login_code(ALICE).await, "phone_code": phone_code });
    // The number is told to the caller, so the answer is not searched for it.
    let request = world.http.post(world.url(&path(""))).bearer_auth(&world.key).json(&body);
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    let phone = &told["phone"];
    assert_eq!(phone["number"], format!("+86{}", phone["national"].as_str().unwrap()));
    assert_eq!(phone["country_code"], "86");
    let bobs = world.weixin("phone_code", &json!({ "open_id": BOB })).await["code"].clone();
    let reply = world.log_in(ALICE, &json!({ "phone_code": bobs })).await;
    assert_eq!((reply.status, reply.problem().as_str()), (400, "login-code-invalid"));
    assert_eq!(reply.json()["field"], "phone_code", "somebody else's");
    let reply = world.log_in(ALICE, &json!({ "phone_code": phone_code })).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (400, &json!("used")));
    world.end().await;
}

#[tokio::test]
async fn a_session_is_checked_and_renewed() {
    let world = world().await;
    let subject = world.log_in(ALICE, &json!({})).await.json()["subject"].clone();
    let session = async |renew: bool| {
        let reply = world.post(&path("/session"), &json!({ "subject": subject, "renew": renew })).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["live"] == json!(true)
    };
    assert!(session(false).await);
    assert!(session(true).await, "another key is there now");
    assert!(session(false).await, "and it is the one that is kept");
    another_service_logs_in(&world);
    assert!(!session(false).await);
    assert!(!session(true).await);
    let reply = world.post(&path("/session"), &json!({ "subject": "onobody" })).await;
    assert_eq!((reply.status, reply.problem().as_str()), (404, "not-found"));
    world.end().await;
}

/// A login of Alice's that the gateway has not seen.
fn another_service_logs_in(world: &World) {
    let wechat = world.sandbox.wechat();
    let alice = wechat.world.lock().people.find(ALICE).unwrap();
    wechat.state().renew_session(WECHAT_APP_ID, alice);
}

#[tokio::test]
async fn a_share_code_is_a_picture() {
    let world = world().await;
    let request = world.http.post(world.url(&path("/share-code"))).bearer_auth(&world.key);
    let response = request.json(&json!({ "scene": "i=42", "page": "pages/index/index" })).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"].to_str().unwrap()),
        (200, &"image/jpeg")
    );
    assert!(response.bytes().await.unwrap().starts_with(b"\xff\xd8\xff"));
    let refused = world.post(&path("/share-code"), &json!({ "scene": "i=42", "page": "pages/none" })).await;
    assert_eq!((refused.status, refused.problem().as_str()), (422, "platform-refused"));
    assert_eq!(refused.json()["platform_code"], "41030");
    for body in [json!({ "scene": "" }), json!({ "scene": "a".repeat(33) }), json!({ "page": "pages/index/index" })] {
        assert_eq!(world.post(&path("/share-code"), &body).await.problem(), "invalid-request", "{body}");
    }
    world.end().await;
}
