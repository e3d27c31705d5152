//! A7 to A10, A35, A36: too often, too late, at the same time, refused.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use super::{READ, Ride};
use crate::harness::World;

#[tokio::test]
async fn a7_the_second_click_sees_the_end_and_exchanges_nothing() {
    let world = World::new().await;
    let ride = Ride::of_alice(&world).await;
    assert_eq!(world.come_back(&ride.location, &ride.begun.cookie).await.mood(), "good");
    let calls = world.platform_calls().await;
    for cookie in [ride.begun.cookie.as_str(), ""] {
        let again = world.come_back(&ride.location, cookie).await;
        assert_eq!(again.mood(), "good", "A7: done: {}", again.reply.text);
    }
    let landing = world.send(world.http.get(&ride.link)).await;
    assert!(landing.text.contains("data-mood=\"good\""), "A7: so does the link: {}", landing.text);
    assert_eq!(world.platform_calls().await, calls, "A7");
    assert_eq!(world.grants().await[0]["generation"], 1, "A7");
    world.end().await;
}

#[tokio::test]
async fn a8_callbacks_at_the_same_time_exchange_once() {
    let world = World::new().await;
    let ride = Ride::of_alice(&world).await;
    let callbacks = (0..20).map(|_| world.come_back(&ride.location, &ride.begun.cookie));
    for page in futures_util::future::join_all(callbacks).await {
        assert!(["good", "working"].contains(&page.mood().as_str()), "A8: {}", page.reply.text);
    }
    assert_eq!(world.ended(&ride.session).await["status"], "completed", "A8");
    assert_eq!(world.calls("oauth_token").await, 1, "A8");
    assert_eq!(world.grants().await[0]["generation"], 1, "A8");
    world.end().await;
}

#[tokio::test]
async fn a9_too_late_is_too_late() {
    let world = World::new().await;
    let ride = Ride::of_alice(&world).await;
    world.clock.advance(Duration::from_mins(10));
    let page = world.come_back(&ride.location, &ride.begun.cookie).await;
    assert!(page.reply.text.contains("The request has expired"), "A9: {}", page.reply.text);
    let landing = world.send(world.http.get(&ride.link)).await;
    assert!(landing.text.contains("The request has expired"), "A9: {}", landing.text);
    world.gateway().auth_sessions.run_expiry().await.unwrap();
    assert_eq!(world.status(&ride.session).await, "expired", "A9");
    assert_eq!(world.calls("oauth_token").await, 0, "A9");
    assert_eq!(world.grants().await, Vec::<Value>::new(), "A9");
    assert_eq!(world.audited(&ride.session), 2, "A9: opened, and how it ended");
    world.end().await;
}

#[tokio::test]
async fn a10_a_withdrawn_question_cannot_be_answered() {
    let world = World::new().await;
    let asked = world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    let link = World::card_link(&card);
    let begun = world.begin(&link).await;
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    let cancelled = world.post(&format!("/v1/auth-sessions/{}/cancel", asked.session()), &json!({})).await;
    assert_eq!((cancelled.status, cancelled.json()["status"].as_str()), (200, Some("cancelled")), "A10");

    for name in ["authorize", "reject"] {
        let answer = world.tap(ALICE, &card, name).await;
        assert!(answer["toast"]["content"].is_string() && answer["error"].is_null(), "A10 {name}: {answer}");
    }
    let landing = world.send(world.http.get(&link)).await;
    assert!(landing.text.contains("The request was withdrawn"), "A10: {}", landing.text);
    let page = world.come_back(&location, &begun.cookie).await;
    assert!(page.reply.text.contains("The request was withdrawn"), "A10: {}", page.reply.text);
    world.card_turns(ALICE, "wathet").await;
    assert_eq!(world.status(&asked.session()).await, "cancelled", "A10");
    assert_eq!(world.calls("oauth_token").await, 0, "A10");
    world.end().await;
}

#[tokio::test]
async fn a_refusal_at_the_platform_is_a_refusal() {
    let world = World::new().await;
    for (row, more) in [
        ("A35", ""),
        ("A36", "&code=some-code"),
        ("A36 empty code", "&code="),
        ("A35 with a description", "&error_description=no"),
    ] {
        let (session, link) = world.link(ALICE, READ).await;
        let begun = world.begin(&link).await;
        let location = world.decide(&begun.authorize_url, ALICE, "deny").await;
        let page = world.come_back(&format!("{location}{more}"), &begun.cookie).await;
        assert_eq!(page.mood(), "calm", "{row}: {}", page.reply.text);
        assert!(page.reply.text.contains("Authorization refused"), "{row}: {}", page.reply.text);
        assert_eq!(world.status(&session).await, "rejected", "{row}");
        assert_eq!(world.audited(&session), 2, "{row}: opened, and how it ended");
    }
    let ride = Ride::of_alice(&world).await;
    let page = world.come_back(&format!("{}&error=anything", ride.location), &ride.begun.cookie).await;
    assert_eq!(page.mood(), "calm", "A36: a true code beside an error is not used: {}", page.reply.text);
    assert_eq!(world.status(&ride.session).await, "rejected", "A36");
    assert_eq!(world.calls("oauth_token").await, 0, "A35 A36");
    world.end().await;
}

#[tokio::test]
async fn a35_the_card_and_the_waiting_caller_are_told() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&World::card_link(&card), ALICE, "deny").await;
        assert_eq!(page.mood(), "calm", "A35: {}", page.reply.text);
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "user-rejected"), "A35");
    world.card_turns(ALICE, "red").await;
    world.end().await;
}
