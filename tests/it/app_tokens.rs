//! The apps' own tokens (R-LARK-40): fetched when a card has to be sent, kept over restarts, shared by replicas; a kept token
//! that is over, refused or damaged is fetched anew and stops nobody.

use std::process::Command;
use std::time::Duration;

use cardkey::domain::ids::AppId;
use cardkey::domain::secret::Secret;
use cardkey_sandbox::{ALICE, BOB, CAROL};
use serde_json::json;

use crate::harness::{APP, MASTER_KEY, World, on};

on_each_database!(a_restart_fetches_no_token, a_token_that_is_over_is_fetched_anew);

const READ: &[&str] = &["apaas:app:read"];

impl World {
    /// A card is sent, with the app's token; how many were fetched for that by now.
    async fn fetched_after_a_card_to(&self, person: &str) -> usize {
        assert_eq!(self.ask_for(person, READ, &json!({})).await.status, 202);
        self.card_turns(person, "blue").await;
        self.calls("tenant_token").await
    }
}

async fn a_restart_fetches_no_token() {
    let mut world = World::new().await;
    assert_eq!(world.fetched_after_a_card_to(ALICE).await, 1);
    for person in [BOB, CAROL] {
        world.restart_gateway().await;
        assert_eq!(world.fetched_after_a_card_to(person).await, 1);
    }
    world.end().await;
}

async fn a_token_that_is_over_is_fetched_anew() {
    let mut world = World::new().await;
    assert_eq!(world.fetched_after_a_card_to(ALICE).await, 1);
    world.advance(Duration::from_hours(2)).await;
    world.restart_gateway().await;
    assert_eq!(world.fetched_after_a_card_to(BOB).await, 2);
    world.restart_gateway().await;
    assert_eq!(world.fetched_after_a_card_to(CAROL).await, 2, "and kept in the place of the old one");
    world.end().await;
}

#[tokio::test]
async fn a_replica_uses_the_token_of_another() {
    on(cardkey_engines::Engine::Postgres, async {
        let mut world = World::new().await;
        let other = world.another_gateway().await;
        assert_eq!(world.fetched_after_a_card_to(ALICE).await, 1);
        // What it had begun to write is written when it has stopped.
        world.gateway.take().unwrap().stop().await;
        let body = World::body(BOB, READ, &json!({}));
        let request = world.http.post(format!("http://{}/v1/tokens", other.api)).bearer_auth(&world.key);
        assert_eq!(world.send(request.json(&body)).await.status, 202);
        world.card_turns(BOB, "blue").await;
        assert_eq!(world.calls("tenant_token").await, 1);
        other.stop().await;
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_kept_token_that_the_platform_refuses_is_replaced() {
    let mut world = World::new().await;
    let store = world.open_store(&format!("k1:{MASTER_KEY}")).await;
    let (wrong, until) = (Secret::new("t-CANARY-wrong".to_owned()), world.now().plus(Duration::from_hours(24)));
    store.keep_app_token(&AppId::parse(APP).unwrap(), &wrong, until, None).await.unwrap();
    store.close().await;
    assert_eq!(world.fetched_after_a_card_to(ALICE).await, 1, "the card is there all the same");
    world.restart_gateway().await;
    assert_eq!(world.fetched_after_a_card_to(BOB).await, 1, "the good one is kept");
    world.end().await;
}

#[tokio::test]
async fn a_kept_token_that_does_not_open_is_replaced() {
    let mut world = World::new().await;
    assert_eq!(world.fetched_after_a_card_to(ALICE).await, 1);
    world.gateway.take().unwrap().stop().await;
    let mut damage = Command::new("sqlite3");
    damage.arg(world.directory.path().join("cardkey.db")).arg("UPDATE app_tokens SET token_sealed = x'00'");
    assert!(damage.status().unwrap().success());
    world.start_gateway().await;
    assert_eq!(world.fetched_after_a_card_to(BOB).await, 2);
    world.restart_gateway().await;
    assert_eq!(world.fetched_after_a_card_to(CAROL).await, 2, "the new one is kept");
    world.end().await;
}
