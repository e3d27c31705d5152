//! A24: another platform's code, brought to this one's address.

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use super::{READ, Ride, with};
use crate::harness::World;

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
