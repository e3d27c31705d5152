//! How things end: a grant that is deleted, a process that stops.

use cardkey::domain::ids::{AppId, Subject, SubjectId};
use cardkey_sandbox::ALICE;
use cardkey_sandbox::journal::Entry;
use serde_json::{Value, json};

use crate::harness::{APP, Reply, SCOPES, World};

const READ: &[&str] = &["apaas:app:read"];

impl World {
    async fn delete_grant(&self, key: &str) -> Reply {
        let id = self.grants().await[0]["id"].as_str().unwrap().to_owned();
        self.send(self.http.delete(self.url(&format!("/v1/grants/{id}"))).bearer_auth(key)).await
    }

    /// The service of this key waits for Alice.
    async fn waits_with(&self, key: &str) -> Reply {
        let request = self.http.post(self.url("/v1/tokens")).bearer_auth(key).header("prefer", "wait=60");
        self.send(request.json(&Self::body(ALICE, READ, &json!({})))).await
    }
}

fn alice() -> Subject {
    Subject { app: AppId::parse(APP).unwrap(), id: SubjectId::parse(ALICE).unwrap() }
}

#[tokio::test]
async fn a_deleted_grant_is_ended_at_the_platform() {
    let world = World::new().await;
    world.granted(READ).await;
    let narrow = world.new_key("narrow", &[APP], "apaas:workspace:read").await;
    let refused = world.delete_grant(&narrow).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "scope-not-allowed"), "{}", refused.text);
    let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.delete_grant(&world.key).await.status, 204);
    let held = world.look(&format!("grants?open_id={ALICE}")).await;
    assert_eq!((&held["live_access_tokens"], &held["live_refresh_tokens"]), (&json!([]), &json!([])));
    assert_eq!(world.grants().await, Vec::<Value>::new());
    let again = world.send(world.http.delete(world.url(&format!("/v1/grants/{id}"))).bearer_auth(&world.key)).await;
    assert_eq!(again.status, 404);
    assert_eq!(world.audited(&id), 1, "a line in the audit trail");
    assert_eq!(world.ask(READ).await.status, 202, "the person is asked anew");
    world.end().await;
}

#[tokio::test]
async fn a_grant_stays_while_the_platform_cannot_be_told() {
    let world = World::new().await;
    let given = world.granted(READ).await.json()["access_token"].clone();
    for action in [
        json!({ "kind": "status", "status": 503, "body": {} }),
        json!({ "kind": "drop" }),
        json!({ "kind": "status", "status": 429, "body": { "code": 99_991_400 } }),
        json!({ "kind": "status", "status": 400, "body": { "code": 20002 } }),
    ] {
        world.fault(&json!({ "match": { "api": "revoke" }, "times": 1, "action": action })).await;
        let reply = world.delete_grant(&world.key).await;
        assert_eq!((reply.status, reply.problem().as_str()), (503, "platform-unavailable"), "{action}: {}", reply.text);
        assert_eq!(world.grants().await.len(), 1, "{action}");
        assert_eq!(world.ask(READ).await.json()["access_token"], given, "{action}: it is still served");
    }
    assert_eq!(world.delete_grant(&world.key).await.status, 204, "later it works");
    world.end().await;
}

#[tokio::test]
async fn what_the_platform_has_ended_already_can_be_deleted() {
    let world = World::new().await;
    world.granted(READ).await;
    world.control("revoke", &json!({ "open_id": ALICE, "push": false })).await;
    assert_eq!(world.delete_grant(&world.key).await.status, 204);
    assert_eq!(world.grants().await, Vec::<Value>::new());
    world.end().await;
}

#[tokio::test]
async fn stopping_lets_the_waiting_go_with_their_session() {
    let mut world = World::new().await;
    let mut keys = vec![world.key.clone()];
    for name in ["mail", "calendar", "tasks", "minutes"] {
        keys.push(world.new_key(name, &[APP], SCOPES).await);
    }
    let gateway = world.gateway.take().unwrap();
    let asks = futures_util::future::join_all(keys.iter().map(|key| world.waits_with(key)));
    let (replies, ()) = tokio::join!(asks, async {
        world.card_turns(ALICE, "blue").await;
        // The card is the first one's. Each has a name of its own, so that it is seen when all are in.
        let (store, alice) = (gateway.store(), alice());
        let askers = async || store.pending_session(&alice).await.unwrap().map_or(0, |open| open.requesters.len());
        world.until(async || askers().await == keys.len()).await;
        gateway.stop().await;
    });
    for reply in &replies {
        assert_eq!(
            (reply.status, reply.header("location")),
            (202, format!("/v1/auth-sessions/{}", reply.session()).as_str())
        );
    }
    world.start_gateway().await;
    assert_eq!(world.status(&replies[0].session()).await, "pending", "the question stands");
    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    assert_eq!(world.ask(READ).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn stopping_finishes_an_exchange_that_has_begun() {
    let mut world = World::new().await;
    let (session, link) = world.link(ALICE, READ).await;
    let begun = world.begin(&link).await;
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    world
        .fault(&json!({ "match": { "api": "oauth_token" }, "times": 1, "action": { "kind": "hold", "act": true } }))
        .await;
    let gateway = world.gateway.take().unwrap();
    let callback = world.send(world.http.get(&location).header("cookie", &begun.cookie));
    let exchange = |entry: &Entry| entry.call.api == "oauth_token" && entry.outcome.is_some();
    let (reply, ()) = tokio::join!(callback, async {
        world.sandbox.feishu().journal.wait_for(1, exchange).await;
        // The platform has given the tokens away, and only this answer has them.
        tokio::join!(gateway.stop(), world.release());
    });
    assert_eq!(reply.status, 303, "{}", reply.text);
    world.start_gateway().await;
    assert_eq!(world.status(&session).await, "completed");
    assert_eq!(world.ask(READ).await.status, 200);
    assert_eq!(world.calls("oauth_token").await, 1);
    world.end().await;
}

#[tokio::test]
async fn stopping_finishes_a_refresh_that_has_begun() {
    let mut world = World::new().await;
    world.granted(READ).await;
    world.advance(std::time::Duration::from_secs(7_300)).await;
    world
        .fault(&json!({ "match": { "api": "oauth_token" }, "times": 1, "action": { "kind": "hold", "act": true } }))
        .await;
    let gateway = world.gateway.take().unwrap();
    let refresh = |entry: &Entry| entry.call.grant_type.as_deref() == Some("refresh_token") && entry.outcome.is_some();
    let (reply, ()) = tokio::join!(world.ask(READ), async {
        world.sandbox.feishu().journal.wait_for(1, refresh).await;
        tokio::join!(gateway.stop(), world.release());
    });
    assert_eq!(reply.status, 200, "whoever waits for it has it: {}", reply.text);
    world.start_gateway().await;
    let next = world.ask(READ).await;
    assert_eq!(next.json()["access_token"], reply.json()["access_token"], "{}", next.text);
    assert_eq!(world.grants().await[0]["generation"], 2);
    world.end().await;
}
