//! What the platform says of people and of the app, pushed over the real connection, and what becomes of grants, of
//! questions and of those who wait.

use std::cell::Cell;
use std::time::Duration;

use cardkey::domain::clock::Clock as _;
use cardkey_sandbox::{ALICE, BOB, DEFAULT_TENANT_KEY};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{APP, Reply, World};

const READ: &[&str] = &["apaas:app:read"];

const REVOKED: &str = "auth.user_access_token.revoked_v4";
const DELETED: &str = "contact.user.deleted_v3";
const UPDATED: &str = "contact.user.updated_v3";

/// Whoever waits is let go within this time.
const SOON: Duration = Duration::from_secs(5);

fn revoked(types: &str) -> Value {
    json!({ "open_id": ALICE, "union_id": "on_a", "revoke_token_type": types, "revoke_reason": "Revoked by user." })
}

fn status(frozen: bool) -> Value {
    json!({ "object": { "open_id": ALICE, "status": { "is_frozen": frozen, "is_activated": true } } })
}

impl World {
    /// The platform says that this happened `ago`; returns when it was acknowledged.
    async fn told(&self, id: &str, event_type: &str, event: &Value, ago: Duration) {
        let at = self.clock.now().minus(ago).as_micros() / 1_000;
        let mut envelope = Self::envelope(id, event_type);
        envelope["header"]["create_time"] = json!(at.to_string());
        envelope["event"] = event.clone();
        self.push(&envelope).await;
        self.acknowledged(id, 1).await;
    }

    async fn now_told(&self, id: &str, event_type: &str, event: &Value) {
        self.told(id, event_type, event, Duration::ZERO).await;
    }

    /// The older envelope, in which the app's own status comes.
    async fn app_is(&self, id: &str, status: &str, ago: Duration) {
        let at = self.clock.now().minus(ago).as_micros();
        let event =
            json!({ "app_id": APP, "tenant_key": DEFAULT_TENANT_KEY, "type": "app_status_change", "status": status });
        let ts = format!("{}.{:06}", at / 1_000_000, at % 1_000_000);
        self.push(&json!({ "uuid": id, "ts": ts, "token": "", "type": "event_callback", "event": event })).await;
        self.acknowledged(id, 1).await;
    }

    async fn grant_status(&self) -> String {
        self.grants().await[0]["status"].as_str().unwrap().to_owned()
    }

    async fn changes(&self, change: &str, outcome: &str) -> u64 {
        self.count(&format!("cardkey_grant_change_total{{app_id=\"{APP}\",change=\"{change}\",outcome=\"{outcome}\"}}"))
            .await
    }

    /// Two callers wait for Alice's answer while `happens`; gives their answers, which come soon.
    async fn let_go(&self, happens: impl Future<Output = ()>) -> Vec<Reply> {
        let asks = futures_util::future::join_all((0..2).map(|_| self.ask_waiting(ALICE, READ, 60)));
        let (replies, told) = tokio::join!(asks, async {
            self.card_turns(ALICE, "blue").await;
            happens.await;
            Instant::now()
        });
        assert!(told.elapsed() < SOON, "let go {:?} after the acknowledgement", told.elapsed());
        replies
    }
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

#[tokio::test]
async fn a_revoked_grant_is_served_no_longer_and_the_person_is_asked() {
    let world = World::new().await;
    world.granted(READ).await;
    world.now_told("e-1", REVOKED, &revoked("user_access_token refresh_token")).await;
    assert_eq!(world.grant_status().await, "needs_consent");
    let asked = world.ask(READ).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    assert_eq!(world.ended(&asked.session()).await["status"], "completed");
    token(&world.ask(READ).await);
    assert_eq!(world.changes("revoked", "applied").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_revoked_access_token_is_replaced_at_the_next_use() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    world.now_told("e-1", REVOKED, &revoked("user_access_token")).await;
    assert_eq!(world.grant_status().await, "active");
    let second = token(&world.ask(READ).await);
    assert_ne!(second, first);
    assert_eq!(world.grants().await[0]["generation"], 2);
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "nobody is asked");
    assert_eq!(world.changes("access_revoked", "applied").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_revocation_that_comes_late_does_not_end_what_was_granted_after_it() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    world.told("e-1", REVOKED, &revoked("user_access_token refresh_token"), Duration::from_mins(1)).await;
    assert_eq!(token(&world.ask(READ).await), first);
    assert_eq!(world.grant_status().await, "active");
    assert_eq!(world.changes("revoked", "nothing").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_repeated_revocation_does_not_end_what_was_granted_meanwhile() {
    let world = World::new().await;
    world.granted(READ).await;
    world.now_told("e-1", REVOKED, &revoked("refresh_token")).await;
    world.advance(Duration::from_mins(3)).await;
    world.now_told("e-2", REVOKED, &revoked("user_access_token")).await;
    let asked = world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    assert_eq!(world.ended(&asked.session()).await["status"], "completed");
    let fresh = token(&world.ask(READ).await);
    world
        .push(&json!({ "schema": "2.0", "header": {
        "event_id": "e-1", "event_type": REVOKED, "app_id": APP, "tenant_key": DEFAULT_TENANT_KEY, "token": "",
    }, "event": revoked("user_access_token refresh_token") }))
        .await;
    world.acknowledged("e-1", 2).await;
    assert_eq!(world.events("duplicate").await, 1);
    assert_eq!(token(&world.ask(READ).await), fresh);
    world.end().await;
}

#[tokio::test]
async fn who_leaves_has_no_grant_any_more() {
    let world = World::new().await;
    world.granted(READ).await;
    world.now_told("e-1", DELETED, &json!({ "object": { "open_id": ALICE, "name": "Alice" } })).await;
    assert_eq!(world.grants().await, Vec::<Value>::new());
    assert_eq!(world.changes("person_left", "applied").await, 1);
    world.end().await;
}

#[tokio::test]
async fn the_question_to_who_leaves_is_over_for_all_who_wait() {
    let world = World::new().await;
    let left = json!({ "object": { "open_id": ALICE } });
    let replies = world.let_go(world.now_told("e-1", DELETED, &left)).await;
    for reply in &replies {
        assert_eq!(refused(reply), (403, "auth-failed".to_owned()), "{}", reply.text);
        assert_eq!(reply.json()["reason"], "person_left");
    }
    world.card_turns(ALICE, "carmine").await;
    let failures = "cardkey_auth_failure_total{app_id=\"APP\",auth_method=\"redirect\",reason=\"person_left\"}";
    assert_eq!(world.count(&failures.replace("APP", APP)).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_frozen_person_is_neither_served_nor_asked_until_they_are_back() {
    for flag in ["is_frozen", "is_resigned", "is_exited"] {
        let world = World::new().await;
        let first = token(&world.granted(READ).await);
        let away = json!({ "object": { "open_id": ALICE, "status": { flag: true } } });
        world.now_told("e-1", UPDATED, &away).await;
        assert_eq!(world.grant_status().await, "suspended", "{flag}");
        world.metric_becomes(&format!("cardkey_token_active_count{{app_id=\"{APP}\"}}"), 0.0).await;
        world.advance(Duration::from_secs(7_300)).await;
        assert_eq!(refused(&world.ask(READ).await), (403, "person-suspended".to_owned()), "{flag}");
        assert_eq!(world.calls("oauth_token").await, 1, "{flag}: the exchange, and no refresh");
        assert_eq!(world.ask_for(BOB, READ, &json!({})).await.status, 202, "{flag}: another person is asked");

        world.now_told("e-2", UPDATED, &status(false)).await;
        assert_eq!(world.grant_status().await, "active", "{flag}");
        assert_ne!(token(&world.ask(READ).await), first, "{flag}: refreshed, without a new consent");
        world.told("e-3", UPDATED, &away, Duration::from_mins(1)).await;
        assert_eq!(world.grant_status().await, "active", "{flag}: that was before");
        assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "{flag}: nobody was asked");
        world.end().await;
    }
}

#[tokio::test]
async fn who_waits_for_a_frozen_person_is_let_go() {
    let world = World::new().await;
    let replies = world.let_go(world.now_told("e-1", UPDATED, &status(true))).await;
    for reply in &replies {
        assert_eq!(refused(reply), (403, "person-suspended".to_owned()), "{}", reply.text);
    }
    assert_eq!(refused(&world.ask_waiting(ALICE, READ, 60).await), (403, "person-suspended".to_owned()));
    world.now_told("e-2", UPDATED, &status(false)).await;
    let asked = world.ask(READ).await;
    assert_eq!(asked.status, 202, "the question still stands: {}", asked.text);
    world.card_turns(ALICE, "blue").await;
    world.end().await;
}

/// A revocation leaves the question open, so who begins to wait after it goes on waiting: it is told until both callers
/// have heard it.
#[tokio::test]
async fn who_waits_while_a_person_revokes_is_let_go_and_the_question_stands() {
    let world = World::new().await;
    let (begun, heard) = (Instant::now(), Cell::new(false));
    let asks = futures_util::future::join_all((0..2).map(|_| world.ask_waiting(ALICE, READ, 60)));
    let types = revoked("user_access_token refresh_token");
    let (replies, ()) = tokio::join!(asks.inspect(|_| heard.set(true)), async {
        for told in 0.. {
            if heard.get() {
                break;
            }
            world.now_told(&format!("e-{told}"), REVOKED, &types).await;
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "let go before their patience was over");
    for reply in &replies {
        assert_eq!(reply.status, 202, "{}", reply.text);
        assert_eq!(world.status(&reply.session()).await, "pending");
    }
    world.end().await;
}

#[tokio::test]
async fn a_stopped_app_serves_nobody_until_it_is_started() {
    for stop in ["stop_by_tenant", "stop_by_platform"] {
        let mut world = World::new().await;
        let first = token(&world.granted(READ).await);
        world.app_is("e-1", stop, Duration::ZERO).await;
        assert_eq!(refused(&world.ask(READ).await), (403, "app-stopped".to_owned()), "{stop}");
        assert_eq!(refused(&world.ask_for(BOB, READ, &json!({})).await), (403, "app-stopped".to_owned()), "{stop}");
        assert_eq!(world.grant_status().await, "suspended", "{stop}");
        world.restart_gateway().await;
        world.links(4).await;
        assert_eq!(refused(&world.ask(READ).await), (403, "app-stopped".to_owned()), "{stop}: after a restart");
        assert_eq!(world.messages(BOB).await, Vec::<Value>::new(), "{stop}: nobody was asked");

        world.app_is("e-2", "start_by_tenant", Duration::ZERO).await;
        assert_eq!(token(&world.ask(READ).await), first, "{stop}");
        world.app_is("e-3", stop, Duration::from_mins(1)).await;
        assert_eq!(token(&world.ask(READ).await), first, "{stop}: that was before");
        world.end().await;
    }
}

#[tokio::test]
async fn who_waits_for_a_stopped_app_is_let_go() {
    let world = World::new().await;
    let replies = world.let_go(world.app_is("e-1", "stop_by_tenant", Duration::ZERO)).await;
    for reply in &replies {
        assert_eq!(refused(reply), (403, "app-stopped".to_owned()), "{}", reply.text);
    }
    world.end().await;
}

#[tokio::test]
async fn an_event_of_another_organisation_changes_nothing() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    world.now_told("e-1", UPDATED, &status(false)).await;
    let mut foreign = World::envelope("e-2", DELETED);
    foreign["header"]["tenant_key"] = json!("another");
    foreign["event"] = json!({ "object": { "open_id": ALICE } });
    world.push(&foreign).await;
    world.acknowledged("e-2", 1).await;
    assert_eq!(token(&world.ask(READ).await), first);
    world.end().await;
}

#[tokio::test]
async fn the_sandbox_tells_by_itself_what_it_revokes() {
    let world = World::new().await;
    world.granted(READ).await;
    let event = world.control("revoke", &json!({ "open_id": ALICE })).await["event_id"].as_str().unwrap().to_owned();
    world.acknowledged(&event, 1).await;
    assert_eq!(world.grant_status().await, "needs_consent");
    assert_eq!(world.live_tokens(ALICE).await, 0);
    world.end().await;
}
