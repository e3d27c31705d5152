//! How a grant ends before its time.

use cardkey_sandbox::ALICE;
use serde_json::Value;

use super::stage::{Stage, world};

pub(super) async fn is_deleted<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    world.granted(S::SCOPES).await;
    let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
    let request = world.http.delete(world.url(&format!("/v1/grants/{id}"))).bearer_auth(&world.key);
    assert_eq!(world.send(request).await.status, 204);
    assert_eq!(world.grants().await, Vec::<Value>::new());
    let left = world.live_tokens(ALICE).await;
    assert_eq!(left, usize::from(!S::ENDS_TOKENS), "ended at the platform, where that can be done");
    assert_eq!(world.ask(S::SCOPES).await.status, 202, "the person is asked anew");
    world.end().await;
    let where_it_ends = if S::ENDS_TOKENS { "and at the platform" } else { "here; the platform has no call for it" };
    format!("gone {where_it_ends}")
}

pub(super) async fn is_taken_back<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    world.granted(S::SCOPES).await;
    let how = S::take_back(&world, ALICE).await;
    let asked = world.ask(S::SCOPES).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    assert_eq!(world.grants().await[0]["status"], "needs_consent");
    let card = world.card_turns(ALICE, "blue").await;
    let page = world.visit(&world.link_of(&card), ALICE, "allow").await;
    assert_eq!(page.mood(), "good", "{}", page.reply.text);
    assert_eq!(world.ended(&asked.session()).await["status"], "completed");
    assert_eq!(world.ask(S::SCOPES).await.status, 200);
    world.end().await;
    format!("{how}: asked again, and served again")
}
