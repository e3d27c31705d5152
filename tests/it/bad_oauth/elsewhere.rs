//! A20 and A24: another platform's `state` and code, brought to this one's address.

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use super::{READ, Ride, parameter, with};
use crate::harness::{OTHER_APP, Setup, World};

#[tokio::test]
async fn a24_another_platforms_code_brings_nothing_and_the_person_can_go_on() {
    let world = World::new().await;
    let ride = Ride::of_alice(&world).await;
    let url = format!("{}/dingtalk/control/code", world.sandbox.base_url());
    let answer = world.http.post(url).json(&json!({ "open_id": ALICE })).send().await.unwrap();
    let foreign = answer.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned();

    // By the name that it has there, it is no code at all: nothing is burnt.
    let renamed = with(&with(&ride.location, "code", None), "authCode", Some(&foreign));
    let calls = world.platform_calls().await;
    let page = world.come_back(&renamed, &ride.begun.cookie).await;
    assert_eq!((page.mood().as_str(), world.platform_calls().await), ("bad", calls), "A24 {}", page.reply.text);

    // By ours, the platform does not know it.
    let page = world.come_back(&with(&ride.location, "code", Some(&foreign)), &ride.begun.cookie).await;
    assert_eq!(page.mood(), "calm", "A24 {}", page.reply.text);
    assert_eq!((world.status(&ride.session).await.as_str(), world.grants().await.len()), ("pending", 0), "A24");

    let page = world.visit(&ride.link, ALICE, "allow").await;
    assert_eq!(page.mood(), "good", "A24 {}", page.reply.text);
    assert_eq!(world.ask(READ).await.status, 200, "A24");
    world.end().await;
}

#[tokio::test]
async fn a20_another_platforms_state_is_unknown_at_this_ones_address() {
    let setup = Setup { two_apps: true, ..Setup::dingtalk() };
    let world = World::with(setup.with_second_app_at_the_platform()).await;
    let ride = Ride::of_alice(&world).await;
    let [state, code] = ["state", "authCode"].map(|name| parameter(&ride.location, name));
    let before = world.standing(&ride.session).await;
    let here = world.url(&format!("/oauth/feishu/{OTHER_APP}/callback?code={code}&state={state}"));
    let page = world.come_back(&here, &ride.begun.cookie).await;
    assert_eq!(page.reply.status, 410, "A20 {}", page.reply.text);
    assert_eq!(world.standing(&ride.session).await, before, "A20");
    assert_eq!(world.sandbox.feishu().journal.read(0, |entry| entry.call.api == "oauth_token").len(), 0, "A20");
    let page = world.come_back(&ride.location, &ride.begun.cookie).await;
    assert_eq!(page.mood(), "good", "A20: what was refused burnt nothing: {}", page.reply.text);
    assert_eq!(world.ask(READ).await.status, 200, "A20");
    world.end().await;
}
