//! The mini-program in a browser: a person taps the button, the page hands the code to its service, the service asks the
//! gateway, and the page shows who they are.

use cardkey_sandbox::{ALICE, BOB, WECHAT_APP_ID};
use serde_json::{Value, json};

use super::{path, world};
use crate::harness::{Browser, World};

/// What the mini-program's service does: takes a login off the page, asks the gateway, answers the page.
pub(crate) async fn serve(world: &World) -> Value {
    let desk = format!("{}/wechat/control/logins", world.sandbox.base_url());
    let mut login: Value = world.http.get(format!("{desk}?wait=60")).send().await.unwrap().json().await.unwrap();
    let id = login["id"].as_u64().unwrap();
    let fields = login.as_object_mut().unwrap();
    fields.remove("id");
    assert_eq!(fields.remove("app_id"), Some(json!(WECHAT_APP_ID)));
    let reply = world.post(&path(""), &login).await;
    let answer = json!({ "status": reply.status, "body": reply.json() });
    let laid = world.http.post(format!("{desk}/{id}")).json(&answer).send().await.unwrap();
    assert!(laid.status().is_success());
    reply.json()
}

#[tokio::test]
async fn a_tap_in_a_mini_program_becomes_an_identity() {
    let (world, phone) = (world().await, Browser::open().await);
    phone.open_mini_program(&world, ALICE).await;
    let (told, ()) = tokio::join!(serve(&world), phone.click("[data-action='login']"));
    assert_eq!(phone.text(".outcome[data-mood='good'] h2").await, "Signed in");
    assert_eq!(phone.text("[data-fact='subject']").await, told["subject"]);
    assert_eq!(phone.text("[data-fact='union_id']").await, told["union_id"]);

    phone.click("[name='profile']").await;
    let (told, ()) = tokio::join!(serve(&world), phone.click("[data-action='login']"));
    assert_eq!(phone.text("[data-fact='profile.nickName']").await, "Alice 陈爱丽");
    assert_eq!(told["open_data"]["openId"], told["subject"]);

    phone.click("[name='profile']").await;
    let says = json!({ "kind": "status", "status": 200, "body": { "errcode": 40_226, "errmsg": "x" } });
    world.weixin_fault("code_to_session", &says).await;
    let (_, ()) = tokio::join!(serve(&world), phone.click("[data-action='login']"));
    assert_eq!(phone.text(".outcome[data-mood='bad'] h2").await, "Not signed in");
    assert_eq!(phone.text("[data-fact='type']").await, "urn:cardkey:problem:login-blocked");

    phone.click(&format!("[data-open-id='{BOB}']")).await;
    phone.click("[data-action='login']").await;
    let told = serve(&world).await;
    phone.find(".outcome[data-mood='good']").await;
    assert_eq!(phone.text("[data-fact='subject']").await, told["subject"], "another phone, another person");
    phone.close().await;
    world.end().await;
}
