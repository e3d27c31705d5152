//! Two gateways on one database server: whichever of them is asked, and whichever gets the event.

use cardkey::app::Gateway;
use cardkey_sandbox::ALICE;
use serde_json::json;

use crate::harness::{Reply, World, on};

const READ: &[&str] = &["apaas:app:read"];

async fn ask_at(world: &World, gateway: &Gateway) -> Reply {
    let request = world.http.post(format!("http://{}/v1/tokens", gateway.api)).bearer_auth(&world.key);
    world.send(request.json(&World::body(ALICE, READ, &json!({})))).await
}

async fn two_gateways_share_people_sessions_and_tokens() {
    let mut world = World::new().await;
    let other = world.another_gateway().await;
    // Two links each; the platform sends a tap over any of them.
    world.links(4).await;
    let asked = world.ask(READ).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let joined = ask_at(&world, &other).await;
    assert_eq!((joined.status, joined.session()), (202, asked.session()), "one person, one session");
    let card = world.card_turns(ALICE, "blue").await;
    world.tap(ALICE, &card, "authorize").await;
    let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
    assert_eq!(page.mood(), "good", "{}", page.reply.text);
    let (here, there) = (world.ask(READ).await, ask_at(&world, &other).await);
    assert_eq!((here.status, there.status), (200, 200), "{} {}", here.text, there.text);
    assert_eq!(here.json()["access_token"], there.json()["access_token"]);
    assert_eq!(world.calls("oauth_token").await, 1);
    world.gateway.take().unwrap().stop().await;
    assert_eq!(ask_at(&world, &other).await.status, 200, "the other one goes on");
    world.start_gateway().await;
    other.stop().await;
    assert_eq!(world.ask(READ).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn on_postgres() {
    on(cardkey_engines::Engine::Postgres, two_gateways_share_people_sessions_and_tokens()).await;
}

#[tokio::test]
async fn on_mariadb() {
    on(cardkey_engines::Engine::MariaDb, two_gateways_share_people_sessions_and_tokens()).await;
}
