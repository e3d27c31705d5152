//! The whole story, told over HTTP: ask, card, tap, consent, token; and each other way that it can end.

use cardkey_sandbox::{ALICE, BOB};
use serde_json::json;

use crate::harness::{Setup, World};

on_each_database!(
    a_person_taps_consents_and_the_waiting_caller_has_the_token,
    a_person_rejects_and_the_caller_is_told,
    somebody_elses_consent_is_kept_for_nobody,
    the_device_grant_needs_no_way_in,
    a_code_is_brought_back_through_the_card,
);

const READ: &[&str] = &["apaas:app:read"];

async fn a_person_taps_consents_and_the_waiting_caller_has_the_token() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        world.tap(ALICE, &card, "authorize").await;
        let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "good");
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    let token = reply.json();
    assert_eq!(token["token_type"], "Bearer");
    assert!(token["expires_in"].as_u64().unwrap() > 7_000);
    world.card_turns(ALICE, "green").await;
    assert_eq!(world.ask(READ).await.status, 200, "the next one is answered at once");
    assert_eq!(world.calls("oauth_token").await, 1);
    world.end().await;
}

async fn a_person_rejects_and_the_caller_is_told() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let answer = world.tap(ALICE, &card, "reject").await;
        assert!(answer["toast"]["content"].is_string(), "{answer}");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "user-rejected"));
    world.card_turns(ALICE, "red").await;
    world.end().await;
}

async fn somebody_elses_consent_is_kept_for_nobody() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&World::card_link(&card), BOB, "allow").await;
        assert_eq!(page.mood(), "bad", "{}", page.reply.text);
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "identity-mismatch"));
    assert_eq!(world.get("/v1/grants").await.json()["grants"], json!([]));
    assert_eq!(world.calls("revoke").await, 2, "Bob's tokens are ended at the platform");
    world.end().await;
}

async fn the_device_grant_needs_no_way_in() {
    let world = World::with(Setup::code("device")).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let link = World::card_link(&card);
        let code = link.split("user_code=").nth(1).unwrap().to_owned();
        world.control("device", &json!({ "user_code": code, "open_id": ALICE })).await;
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.end().await;
}

async fn a_code_is_brought_back_through_the_card() {
    let world = World::with(Setup::code("paste")).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let location = world.decide(&World::card_link(&card), ALICE, "allow").await;
        let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let form = json!({ "authorization_code": code });
        world.tap_with(ALICE, &card, "submit_code", &form).await;
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.end().await;
}
