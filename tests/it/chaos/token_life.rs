//! The platform's side of a token's life: limits, slow and failing answers, an app's secret that changes, and what people do
//! while a refresh is under way.

use std::net::SocketAddr;
use std::time::Duration;

use cardkey_engines::Engine;
use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_SECRET, TokenLimit};
use serde_json::{Value, json};

use super::{NEARLY_OVER, READ, outcome, refresh};
use crate::harness::{APP, OTHER_APP, Reply, Setup, World, on};

on_each_database!(
    a_failure_before_the_platform_has_worked_costs_nothing,
    a_failure_after_the_platform_has_worked_costs_one_consent,
    a_grant_that_ends_during_its_refresh_stays_ended,
);

impl World {
    /// Starts what is due until the one grant has come to this generation.
    async fn is_refreshed_to(&self, generation: u64) {
        self.until(async || {
            self.starts().await;
            self.grants().await[0]["generation"] == generation
        })
        .await;
    }

    /// How often the app's refresh tokens were sent.
    fn sends_of(&self, app: &str) -> usize {
        let of_app = |entry: &_| refresh(entry) && entry.call.app_id.as_deref() == Some(app);
        self.sandbox.feishu().journal.read(0, of_app).len()
    }

    /// Ends the one grant at this gateway.
    async fn delete_at(&self, api: SocketAddr) -> Reply {
        let id = self.grants().await[0]["id"].as_str().unwrap().to_owned();
        self.send(self.http.delete(format!("http://{api}/v1/grants/{id}")).bearer_auth(&self.key)).await
    }

    /// There is no grant any more, and no token of Alice's lives.
    async fn all_is_ended(&self) {
        assert_eq!(self.grants().await, Vec::<Value>::new(), "I13");
        self.until(async || self.live_tokens(ALICE).await == 0).await;
        let held = self.look(&format!("grants?open_id={ALICE}")).await;
        assert_eq!(held["live_refresh_tokens"], json!([]), "the pair that came too late is ended: {held}");
        assert_eq!(self.ask(READ).await.status, 202, "nothing is served");
    }

    async fn paused(&self) -> bool {
        self.metric(&format!("cardkey_refresh_paused{{app_id=\"{APP}\"}}")).await == Some(1.0)
    }
}

#[tokio::test]
async fn too_many_silences_one_app_and_no_other_whatever_the_status() {
    let headers = json!({ "x-ogw-ratelimit-reset": "52" });
    for status in [429, 400] {
        let mut world = World::with(Setup::two_apps()).await;
        world.key = world.new_key("both", &[APP, OTHER_APP], READ[0]).await;
        world.consented_for(APP, ALICE).await;
        let action = json!({ "kind": "status", "status": status, "body": { "code": 99_991_400 }, "headers": headers });
        world.spoil_refreshes(1, action).await;
        world.advance(NEARLY_OVER).await;
        world.starts().await;
        world.metric_becomes(&outcome("rate_limited"), 1.0).await;
        let people = world.look("people").await;
        let bob = people.as_array().unwrap().iter().find(|person| person["open_id"] == BOB).unwrap();
        world.consented_for(OTHER_APP, bob["open_ids"][OTHER_APP].as_str().unwrap()).await;
        world.advance(Duration::from_secs(45)).await;
        world.starts().await;
        assert_eq!(world.sends_of(APP), 1, "{status}: silence (I18)");
        world.advance(Duration::from_secs(8)).await;
        world.is_refreshed_to(2).await;
        assert_eq!(world.sends_of(APP), 2);
        world.nothing_is_lost_or_sent_twice().await;
        world.end().await;
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_is_waited_for_and_nobody_whose_token_lives_notices() {
    let world = World::new().await;
    let first = world.granted(READ).await.json()["access_token"].clone();
    world.an_answer_is_held().await;
    for _ in 0..20 {
        let reply = world.ask(READ).await;
        assert_eq!((reply.status, &reply.json()["access_token"]), (200, &first), "I15");
    }
    world.advance(Duration::from_secs(55)).await;
    assert_eq!(world.starts().await, 0, "its claim hides it");
    world.release().await;
    world.comes_to(2).await;
    assert_eq!(world.sends(), 1);
    assert_ne!(world.ask(READ).await.json()["access_token"], first);
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}

async fn a_failure_before_the_platform_has_worked_costs_nothing() {
    let world = World::new().await;
    world.granted(READ).await;
    world.spoil_refreshes(1, json!({ "kind": "status", "status": 500, "body": {} })).await;
    world.advance(NEARLY_OVER).await;
    world.starts().await;
    world.metric_becomes(&outcome("unclear"), 1.0).await;
    world.advance(Duration::from_secs(31)).await;
    world.is_refreshed_to(2).await;
    assert_eq!(world.sends(), 2, "the same token once more");
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}

async fn a_failure_after_the_platform_has_worked_costs_one_consent() {
    let world = World::new().await;
    world.granted(READ).await;
    world.spoil_refreshes(1, json!({ "kind": "status", "status": 500, "body": {}, "act": true })).await;
    world.advance(NEARLY_OVER).await;
    world.starts().await;
    world.metric_becomes(&outcome("unclear"), 1.0).await;
    world.advance(Duration::from_secs(31)).await;
    world
        .until(async || {
            world.starts().await;
            world.grants().await[0]["status"] == "needs_consent"
        })
        .await;
    world.card_turns(ALICE, "blue").await;
    assert_eq!(world.sends(), 2, "a denial is final");
    let totals = world.look("judge").await["totals"].clone();
    assert_eq!((&totals["lost"], &totals["double_sends"]), (&json!(1), &json!(0)), "{totals}");
    world.end().await;
}

#[tokio::test]
async fn ten_unclear_answers_and_then_a_pair_ask_nobody() {
    let world = World::new().await;
    world.granted(READ).await;
    world.spoil_refreshes(10, json!({ "kind": "status", "status": 500, "body": { "code": 20_050 } })).await;
    world.advance(NEARLY_OVER).await;
    for tries in 1..=10 {
        world
            .until(async || {
                world.starts().await;
                world.count(&outcome("unclear")).await == tries
            })
            .await;
        assert_eq!(world.grants().await[0]["status"], "active");
        // The longest pause.
        world.advance(Duration::from_secs(3_601)).await;
    }
    world.is_refreshed_to(2).await;
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "nobody is asked");
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}

async fn a_grant_that_ends_during_its_refresh_stays_ended() {
    let world = World::new().await;
    world.granted(READ).await;
    world.an_answer_is_held().await;
    // Ending it waits for what is on its way in the same process: that it does is not announced.
    let (deleted, ()) = tokio::join!(world.delete_at(world.gateway().api), world.release());
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    world.all_is_ended().await;
    world.end().await;
}

async fn a_grant_that_ends_elsewhere_during_its_refresh_stays_ended() {
    let world = World::new().await;
    world.granted(READ).await;
    let other = world.another_gateway().await;
    world.an_answer_is_held().await;
    assert_eq!(world.delete_at(other.api).await.status, 204, "nobody waits for another process");
    let set_aside = format!("cardkey_refresh_set_aside_total{{app_id=\"{APP}\"}}");
    world.releases_until(async || world.count(&set_aside).await == 1).await;
    world.all_is_ended().await;
    other.stop().await;
    world.end().await;
}

#[tokio::test]
async fn a_grant_that_ends_elsewhere_during_its_refresh_stays_ended_on_postgres() {
    on(Engine::Postgres, a_grant_that_ends_elsewhere_during_its_refresh_stays_ended()).await;
}

#[tokio::test]
async fn a_grant_that_ends_elsewhere_during_its_refresh_stays_ended_on_mariadb() {
    on(Engine::MariaDb, a_grant_that_ends_elsewhere_during_its_refresh_stays_ended()).await;
}

#[tokio::test]
async fn a_secret_that_changes_during_refreshes_pauses_the_app_and_touches_no_grant() {
    let mut setup = Setup::default();
    setup.sandbox.generated_people = 5;
    let world = World::with(setup).await;
    for person in world.crowd() {
        world.consented_for(APP, &person).await;
    }
    world.advance(NEARLY_OVER).await;
    world.control("apps", &json!({ "app_id": APP, "secret": "canary-secret-that-the-gateway-has-not" })).await;
    assert_eq!(world.starts().await, 5);
    world.metric_becomes(&outcome("misconfigured"), 5.0).await;
    world.until(async || world.paused().await).await;
    assert_eq!(world.starts().await, 0, "nothing is sent while the app is paused");
    assert!(world.grants().await.iter().all(|grant| grant["status"] == "active"), "nobody is asked");
    world.control("apps", &json!({ "app_id": APP, "secret": DEFAULT_APP_SECRET })).await;
    world.advance(Duration::from_mins(3)).await;
    world
        .until(async || {
            world.starts().await;
            world.grants().await.iter().all(|grant| grant["generation"] == 2)
        })
        .await;
    assert!(!world.paused().await);
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}

#[tokio::test]
async fn of_many_that_are_over_those_that_somebody_waits_for_come_first() {
    let mut setup = Setup::default();
    setup.sandbox.generated_people = 60;
    setup.sandbox.token_limit = TokenLimit::Http429;
    let world = World::with(setup).await;
    let people = world.crowd();
    let (idle, wanted) = people.split_at(30);
    for person in idle {
        world.consented_for(APP, person).await;
    }
    world.advance(Duration::from_secs(3_500)).await;
    for person in wanted {
        world.consented_for(APP, person).await;
    }
    world.advance(Duration::from_secs(3_800)).await;
    // Nobody gets in until everybody stands in the queue.
    let store = world.gateway().store();
    store.close_budget(APP, Duration::from_mins(5), world.now()).await.unwrap();
    assert_eq!(world.starts().await, 30, "those that are over");
    let longer = json!({ "min_ttl_seconds": 3_600 });
    let asks = futures_util::future::join_all(wanted.iter().map(|person| world.ask_for(person, READ, &longer)));
    let (replies, ()) = tokio::join!(asks, async {
        world.until(async || world.gateway().grants.under_way() == 60).await;
        world.advance(Duration::from_mins(5)).await;
    });
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json()["stale"] == false), "{replies:?}");
    world.until(async || world.gateway().grants.under_way() == 0).await;
    let sent = world.sandbox.feishu().journal.read(0, refresh);
    let first: Vec<_> = sent.iter().take(40).filter_map(|entry| entry.call.open_id.as_ref()).collect();
    assert!(wanted.iter().all(|person| first.contains(&person)), "they come first");
    let judged = world.look("judge").await;
    assert_eq!((sent.len(), &judged["totals"]["limited"]), (60, &json!(0)), "one send each: {}", judged["totals"]);
    assert!(judged["apps"][0]["most_sends_in_1s"].as_u64().unwrap() <= 50, "I17: {}", judged["apps"]);
    world.nothing_is_lost_or_sent_twice().await;
    world.end().await;
}
