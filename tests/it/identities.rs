//! Whose a refreshed pair is (I23, chaos 43): another person's is given to nobody, and an outage of the interface that says
//! it stops nobody.

use std::time::Duration;

use cardkey::domain::ids::GrantId;
use cardkey::domain::scopes::ScopeSet;
use cardkey::domain::secret::Secret;
use cardkey::domain::token::TokenAnswer;
use cardkey_sandbox::{ALICE, BOB};
use serde_json::{Value, json};

use crate::harness::{APP, MASTER_KEY, Reply, World};

on_each_database!(
    another_persons_pair_is_given_to_nobody,
    a_pair_is_saved_before_and_given_out_after_the_question,
    the_outage_of_the_question_stops_nobody_and_it_is_asked_again,
);

const READ: &[&str] = &["apaas:app:read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

fn series(outcome: &str) -> String {
    format!("cardkey_refresh_identity_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

impl World {
    /// The next refresh brings Bob's tokens.
    async fn mixes_up(&self) {
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        let action = json!({ "kind": "another_person", "open_id": BOB });
        self.fault(&json!({ "match": matches, "times": 1, "action": action })).await;
    }

    /// The next question is answered so.
    async fn is_told(&self, body: &Value) {
        let action = json!({ "kind": "body", "body_text": body.to_string() });
        self.fault(&json!({ "match": { "api": "user_info" }, "times": 1, "action": action })).await;
    }

    async fn ask_about_pairs(&self) -> usize {
        self.gateway().grants.run_identities(self.now()).await.unwrap()
    }

    /// Nothing of the grant can be used, and its person is asked.
    async fn is_set_apart(&self, reply: &Reply) {
        assert_eq!(reply.status, 202, "{}", reply.text);
        let grant = &self.grants().await[0];
        assert_eq!((&grant["status"], &grant["refreshable"]), (&json!("needs_consent"), &json!(false)), "{grant}");
        let card = self.card_turns(ALICE, "blue").await;
        assert_eq!(self.visit(&Self::card_link(&card), ALICE, "allow").await.mood(), "good");
        assert_eq!(self.owner(&token(&self.ask(READ).await)).await, ALICE, "after a new consent it is hers");
    }
}

async fn another_persons_pair_is_given_to_nobody() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(OVER).await;
    let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
    let known = world.audited(&id);
    world.mixes_up().await;
    let reply = world.ask(READ).await;
    assert_eq!((world.count(&series("another")).await, world.audited(&id)), (1, known + 1), "the alarm");
    let held = world.look(&format!("grants?open_id={BOB}")).await;
    assert_eq!(held["live_refresh_tokens"].as_array().unwrap().len(), 1, "Bob's pair is not ended: {held}");
    world.is_set_apart(&reply).await;
    world.end().await;
}

#[tokio::test]
async fn the_old_token_is_better_than_another_persons() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    world.advance(Duration::from_secs(5_000)).await;
    world.mixes_up().await;
    let stale = world.ask_for(ALICE, READ, &json!({ "min_ttl_seconds": 3_600 })).await;
    assert_eq!((token(&stale), &stale.json()["stale"]), (first, &json!(true)), "it is hers and lives");
    world.is_set_apart(&world.ask(READ).await).await;
    world.end().await;
}

async fn a_pair_is_saved_before_and_given_out_after_the_question() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(OVER).await;
    let asked = world.calls("user_info").await;
    world.hold("user_info", false).await;
    let mut caller = Box::pin(world.ask(READ));
    tokio::select! {
        biased;
        reply = &mut caller => panic!("given out before the answer: {}", reply.text),
        _ = world.called("user_info", asked + 1) => {}
    }
    assert_eq!(world.grants().await[0]["generation"], 2, "saved: a crash now loses nothing");
    assert!(futures_util::poll!(&mut caller).is_pending(), "another look-up of the row does not change that");
    world.release().await;
    assert_eq!(world.owner(&token(&caller.await)).await, ALICE);
    assert_eq!(world.count(&series("same")).await, 1);
    assert_eq!(world.ask_about_pairs().await, 0, "it is known");
    world.end().await;
}

async fn the_outage_of_the_question_stops_nobody_and_it_is_asked_again() {
    let away = json!({ "kind": "status", "status": 503 });
    let refuses = json!({ "kind": "status", "status": 400, "body": { "code": 20_005 } });
    let names_nobody = json!({ "kind": "body", "body_text": "{\"code\":0,\"data\":{}}" });
    let world = World::new().await;
    world.granted(READ).await;
    for (round, action) in (1..).zip([away, refuses, json!({ "kind": "drop" }), names_nobody]) {
        world.advance(OVER).await;
        world.fault(&json!({ "match": { "api": "user_info" }, "times": 1, "action": action })).await;
        let given = token(&world.ask(READ).await);
        assert_eq!(world.count(&series("unknown")).await, round, "{action}");
        let asked = world.calls("user_info").await;
        assert_eq!(token(&world.ask(READ).await), given);
        assert_eq!(world.ask_about_pairs().await, 0);
        assert_eq!(world.calls("user_info").await, asked, "not with every look-up");
        world.advance(Duration::from_secs(61)).await;
        assert_eq!(world.ask_about_pairs().await, 1);
        assert_eq!(world.count(&series("same")).await, round, "{action}");
        assert_eq!(world.ask_about_pairs().await, 0);
    }
    world.end().await;
}

#[tokio::test]
async fn what_is_learnt_later_counts_as_well() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(OVER).await;
    world.fault(&json!({ "match": { "api": "user_info" }, "times": 1, "action": { "kind": "drop" } })).await;
    token(&world.ask(READ).await);
    world.advance(Duration::from_secs(61)).await;
    world.is_told(&json!({ "code": 0, "data": { "open_id": BOB } })).await;
    world.is_set_apart(&world.ask(READ).await).await;
    assert_eq!(world.count(&series("another")).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_pair_that_names_its_person_costs_no_question() {
    let world = World::new().await;
    world.granted(READ).await;
    let asked = world.calls("user_info").await;
    for (number, person) in [ALICE, BOB].into_iter().enumerate() {
        world.advance(OVER).await;
        let answer = json!({
            "code": 0, "access_token": format!("eyJ-CANARY-access-{number}"), "expires_in": 7200, "open_id": person,
            "refresh_token": format!("eyJ-CANARY-refresh-{number}"), "token_type": "Bearer", "scope": READ[0],
        });
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        let action = json!({ "kind": "body", "body_text": answer.to_string() });
        world.fault(&json!({ "match": matches, "times": 1, "action": action })).await;
        let reply = world.ask(READ).await;
        assert_eq!(reply.status, if person == ALICE { 200 } else { 202 }, "{person}: {}", reply.text);
    }
    assert_eq!(world.calls("user_info").await, asked);
    assert_eq!((world.count(&series("same")).await, world.count(&series("another")).await), (1, 1));
    world.end().await;
}

/// As a crash between the save and the question leaves it.
#[tokio::test]
async fn a_pair_whose_question_died_with_its_process_is_not_given_out_unasked() {
    for by_the_job in [true, false] {
        let world = World::new().await;
        world.granted(READ).await;
        let id = GrantId::parse(world.grants().await[0]["id"].as_str().unwrap()).unwrap();
        let store = world.open_store(&format!("k1:{MASTER_KEY}")).await;
        let first = store.grant_by_id(&id).await.unwrap().unwrap();
        let answer = TokenAnswer {
            access: Secret::new("eyJ-CANARY-access".to_owned()),
            access_ttl: OVER,
            refresh: None,
            scopes: ScopeSet::default(),
            subject: None,
            tenant: None,
        };
        store.save_refreshed(&id, first.facts.version, &answer, world.now()).await.unwrap();
        store.close().await;
        world.is_told(&json!({ "code": 0, "data": { "open_id": BOB } })).await;
        if by_the_job {
            assert_eq!(world.ask_about_pairs().await, 1);
        }
        world.is_set_apart(&world.ask(READ).await).await;
        assert_eq!(world.ask_about_pairs().await, 0);
        world.end().await;
    }
}
