//! A person is asked, and decides, or somebody else does, or nobody.

use std::time::Duration;

use cardkey_sandbox::{ALICE, BOB};
use serde_json::{Value, json};

use super::stage::{Stage, world};

pub(super) async fn consents<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, S::SCOPES, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&world.link_of(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "good", "{}", page.reply.text);
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.card_turns(ALICE, "green").await;
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.owner(&token).await, world.subject(ALICE), "at the platform it is hers");
    let again = world.ask(S::SCOPES).await;
    assert_eq!((again.status, &again.json()["access_token"]), (200, &json!(token)), "the next one is answered at once");
    assert_eq!(world.calls("oauth_token").await, 1);
    world.end().await;
    "200 with her token, one exchange, the card is green".to_owned()
}

pub(super) async fn rejects<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, S::SCOPES, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let answer = world.tap(ALICE, &card, "reject").await;
        assert!(answer["error"].is_null(), "{answer}");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "user-rejected"), "{}", reply.text);
    world.card_turns(ALICE, "red").await;
    assert_eq!((world.grants().await, world.calls("oauth_token").await), (Vec::<Value>::new(), 0));
    world.end().await;
    "403 user-rejected, no grant, the card is red".to_owned()
}

pub(super) async fn somebody_else_consents<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, S::SCOPES, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&world.link_of(&card), BOB, "allow").await;
        assert_eq!(page.mood(), "bad", "{}", page.reply.text);
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "identity-mismatch"), "{}", reply.text);
    world.card_turns(ALICE, "orange").await;
    assert_eq!(world.grants().await, Vec::<Value>::new());
    // Nobody waits for it.
    let left = usize::from(!S::ENDS_TOKENS);
    world.until(async || world.live_tokens(BOB).await == left).await;
    world.end().await;
    format!("403 identity-mismatch, no grant, {left} of his tokens left, the card is orange")
}

pub(super) async fn somebody_else_taps<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    let session = world.ask(S::SCOPES).await.session();
    let card = world.card_turns(ALICE, "blue").await;
    let before = world.standing(&session).await;
    world.tap(BOB, &card, "reject").await;
    assert_eq!(world.standing(&session).await, before);
    world.card_turns(ALICE, "blue").await;
    assert!(world.tap(ALICE, &card, "reject").await["error"].is_null(), "she still can");
    assert_eq!(world.ended(&session).await["status"], "rejected");
    world.end().await;
    "nothing changes, and she can still decide".to_owned()
}

pub(super) async fn expires<S: Stage>() -> String {
    let world = world::<S>(S::setup().variable("AUTH_SESSION_EXPIRY_SECONDS", "60")).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, S::SCOPES, 30), async {
        world.card_turns(ALICE, "blue").await;
        world.advance(Duration::from_mins(1)).await;
        world.gateway().auth_sessions.run_expiry().await.unwrap();
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "auth-session-expired"), "{}", reply.text);
    world.card_turns(ALICE, "grey").await;
    assert_eq!(world.ask(S::SCOPES).await.status, 202, "she can be asked again");
    world.end().await;
    "403 auth-session-expired, the card is grey".to_owned()
}
