//! Two gateways on one database server: whichever of them is asked, and whichever gets the event.

use std::cell::Cell;
use std::time::Duration;

use cardkey::app::Gateway;
use cardkey::domain::auth_session::AuthSessionId;
use cardkey_sandbox::ALICE;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{APP, Reply, SCOPES, World};

/// Long before anything that waits gives up by itself.
pub(crate) const SOON: Duration = Duration::from_secs(5);

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

/// A caller waits at the other for a person who comes back to this one; how long, after the person had decided.
pub(crate) async fn decided_elsewhere(world: &World, other: &Gateway, person: &str) -> Duration {
    let billing = world.new_key(person, &[APP], SCOPES).await;
    // A link and no card: whichever gateway drew a card last, its link would lead to that one.
    let (session, link) = world.link(person, READ).await;
    let waits = world.http.post(format!("http://{}/v1/tokens", other.api)).bearer_auth(&billing);
    let body = World::body(person, READ, &json!({ "notify": "link" }));
    let waits = world.send(waits.header("prefer", "wait=60").json(&body));
    let (reply, decided) = tokio::join!(waits, async {
        let (store, id) = (other.store(), AuthSessionId::parse(&session).unwrap());
        world.until(async || store.auth_session(&id).await.unwrap().unwrap().requesters.len() == 2).await;
        let page = world.visit(&link, person, "allow").await;
        assert_eq!(page.mood(), "good", "{}", page.reply.text);
        Instant::now()
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    decided.elapsed()
}

async fn who_waits_at_one_sees_what_the_person_does_at_the_other() {
    let world = World::new().await;
    let other = world.another_gateway().await;
    let waited = decided_elsewhere(&world, &other, ALICE).await;
    assert!(waited < SOON, "let go {waited:?} after the decision");
    other.stop().await;
    world.end().await;
}

/// A caller needs the pair that the other one is fetching.
async fn who_needs_a_pair_gets_the_one_that_the_other_fetches() {
    let world = World::new().await;
    let other = world.another_gateway().await;
    world.granted(READ).await;
    world.advance(Duration::from_secs(7_300)).await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold" } })).await;
    let fetches = async {
        let reply = world.ask(READ).await;
        (reply, Instant::now())
    };
    let needs = async {
        world.called("oauth_token", 2).await;
        ask_at(&world, &other).await
    };
    let ((here, answered_at), there, ()) = tokio::join!(fetches, needs, async {
        // The other one is asked, finds the claim, and waits.
        world.until(async || other.grants.under_way() == 1).await;
        world.release().await;
    });
    assert_eq!((here.status, there.status), (200, 200), "{} {}", here.text, there.text);
    assert_eq!(here.json()["access_token"], there.json()["access_token"]);
    assert_eq!(world.calls("oauth_token").await, 2, "the code, and one refresh");
    assert!(answered_at.elapsed() < SOON, "{:?} after the other", answered_at.elapsed());
    other.stop().await;
    world.end().await;
}

/// What a person does at the platform, told to one gateway, while a caller waits at another one; its answer.
async fn told_to_one_while_one_waits_at_the_other(event_type: &str, event: &Value) -> Reply {
    let world = World::new().await;
    world.links(2).await;
    // The other has no link: the platform tells nobody but the one.
    world
        .fault(&json!({ "match": { "api": "endpoint" }, "action": { "kind": "status", "status": 503, "body": {} } }))
        .await;
    let other = world.another_gateway().await;
    let (begun, heard) = (Instant::now(), Cell::new(false));
    let waits = world.http.post(format!("http://{}/v1/tokens", other.api)).bearer_auth(&world.key);
    let waits = waits.header("prefer", "wait=60").json(&World::body(ALICE, READ, &json!({})));
    let (reply, ()) = tokio::join!(world.send(waits).inspect(|_| heard.set(true)), async {
        world.card_turns(ALICE, "blue").await;
        // Who begins to wait afterwards goes on waiting: it is told until it was heard.
        for told in 0.. {
            if heard.get() {
                break;
            }
            let mut envelope = World::envelope(&format!("e-{told}"), event_type);
            envelope["header"].as_object_mut().unwrap().remove("create_time");
            envelope["event"] = event.clone();
            world.push(&envelope).await;
            world.acknowledged(&format!("e-{told}"), 1).await;
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "let go before its patience was over");
    other.stop().await;
    world.end().await;
    reply
}

async fn who_waits_at_one_is_let_go_when_the_other_hears_of_a_revocation() {
    let types = "user_access_token refresh_token";
    let event = json!({ "open_id": ALICE, "union_id": "on_a", "revoke_token_type": types, "revoke_reason": "Revoked by user." });
    let reply = told_to_one_while_one_waits_at_the_other("auth.user_access_token.revoked_v4", &event).await;
    assert_eq!(
        (reply.status, reply.json()["auth_session"]["status"].as_str()),
        (202, Some("pending")),
        "{}",
        reply.text
    );
}

async fn who_waits_at_one_is_let_go_when_the_other_hears_that_the_person_has_left() {
    let event = json!({ "object": { "open_id": ALICE } });
    let reply = told_to_one_while_one_waits_at_the_other("contact.user.deleted_v3", &event).await;
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (403, Some("person_left")), "{}", reply.text);
}

on_each_server!(
    who_waits_at_one_is_let_go_when_the_other_hears_of_a_revocation,
    who_waits_at_one_is_let_go_when_the_other_hears_that_the_person_has_left,
    two_gateways_share_people_sessions_and_tokens,
    who_waits_at_one_sees_what_the_person_does_at_the_other,
    who_needs_a_pair_gets_the_one_that_the_other_fetches,
);
