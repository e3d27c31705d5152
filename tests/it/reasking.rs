//! Asking again when a grant has died: one card that names who asked last and for what, at once or on the next use.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

impl World {
    /// Alice has granted, for a reason that a service gave.
    async fn granted_for(&self, reason: &str) {
        let more = json!({ "reason": reason, "notify": "link" });
        let asked = self.ask_for(ALICE, READ, &more).await;
        let link = asked.json()["auth_session"]["authorization_uri"].as_str().unwrap().to_owned();
        assert_eq!(self.visit(&link, ALICE, "allow").await.mood(), "good");
        assert_eq!(self.ended(&asked.session()).await["status"], "completed");
    }

    /// The platform ends all of Alice's tokens, and says so.
    async fn revoked(&self) {
        let told = self.control("revoke", &json!({ "open_id": ALICE })).await;
        self.acknowledged(told["event_id"].as_str().unwrap(), 1).await;
        assert_eq!(self.grants().await[0]["status"], "needs_consent");
    }

    /// The job, run so often as by many replicas at the same time.
    async fn reask_jobs(&self) {
        let jobs = (0..10).map(|_| self.gateway().auth_sessions.run_reask());
        for run in futures_util::future::join_all(jobs).await {
            run.unwrap();
        }
    }

    async fn reasked(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_reask_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")).await
    }
}

fn at_next_use() -> Setup {
    Setup::default().variable("CARDKEY_AUTH__REASK", "on_next_use")
}

#[tokio::test]
async fn a_dead_grant_is_asked_for_at_once_by_one_card_that_names_the_feature() {
    let world = World::new().await;
    world.granted_for("the weekly report").await;
    world.revoked().await;
    let card = world.card_turns(ALICE, "blue").await;
    let text = card["card"].to_string();
    assert!(text.contains("reports") && text.contains("the weekly report"), "{text}");
    world.reask_jobs().await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    world.card_turns(ALICE, "green").await;
    assert_eq!(world.ask(READ).await.status, 200, "no service has asked meanwhile");
    world.reask_jobs().await;
    assert_eq!(world.messages(ALICE).await.len(), 1);
    assert_eq!(world.reasked("asked").await, 1);
    world.end().await;
}

#[tokio::test]
async fn many_jobs_at_the_same_time_send_one_card() {
    let world = World::with(at_next_use()).await;
    world.granted(READ).await;
    world.revoked().await;
    world.reask_jobs().await;
    world.card_turns(ALICE, "blue").await;
    assert_eq!((world.reasked("asked").await, world.calls("messages_create").await), (1, 1));
    world.end().await;
}

#[tokio::test]
async fn who_rejects_is_not_asked_again_before_the_next_use() {
    let world = World::new().await;
    world.granted(READ).await;
    world.revoked().await;
    let card = world.card_turns(ALICE, "blue").await;
    world.tap(ALICE, &card, "reject").await;
    world.card_turns(ALICE, "red").await;
    world.reask_jobs().await;
    world.advance(Duration::from_hours(1)).await;
    world.reask_jobs().await;
    assert_eq!(world.messages(ALICE).await.len(), 1);
    assert_eq!(world.ask(READ).await.status, 202, "a service may ask");
    world.another_card_turns(ALICE, &card, "blue").await;
    world.end().await;
}

#[tokio::test]
async fn who_lets_it_expire_is_not_asked_again_before_the_next_use() {
    let world = World::new().await;
    world.granted(READ).await;
    world.revoked().await;
    world.card_turns(ALICE, "blue").await;
    world.advance(Duration::from_hours(1)).await;
    world.gateway().auth_sessions.run_expiry().await.unwrap();
    world.card_turns(ALICE, "grey").await;
    world.reask_jobs().await;
    assert_eq!(world.messages(ALICE).await.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_service_that_finds_the_grant_dead_and_the_job_share_one_card() {
    let world = World::new().await;
    world.granted(READ).await;
    world.control("revoke", &json!({ "open_id": ALICE, "push": false })).await;
    world.advance(OVER).await;
    let asks = futures_util::future::join_all((0..5).map(|_| world.ask(READ)));
    let (replies, ()) = tokio::join!(asks, world.reask_jobs());
    for reply in &replies {
        assert_eq!((reply.status, reply.session()), (202, replies[0].session()), "{}", reply.text);
    }
    let card = world.card_turns(ALICE, "blue").await;
    world.reask_jobs().await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    assert_eq!(world.ended(&replies[0].session()).await["status"], "completed");
    assert_eq!(world.messages(ALICE).await.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn cardkey_auth_reask_is_whether_a_dead_grant_waits_for_its_next_use() {
    let mut world = World::with(at_next_use()).await;
    world.granted(READ).await;
    world.revoked().await;
    world.restart_gateway().await;
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "no job of this name runs");
    let job = "cardkey_job_last_success_timestamp_seconds{job=\"reask\"}";
    assert_eq!(world.metric(job).await, None);

    // It died before this process was there: the store remembers.
    world.setup.environment.clear();
    world.restart_gateway().await;
    world.card_turns(ALICE, "blue").await;
    world.metric_is_at_least(job, 1, "the job").await;
    assert_eq!(world.reasked("asked").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_suspended_person_is_asked_when_they_are_back() {
    let world = World::with(at_next_use()).await;
    world.granted(READ).await;
    world.revoked().await;
    let away = json!({ "object": { "open_id": ALICE, "status": { "is_frozen": true } } });
    let back = json!({ "object": { "open_id": ALICE, "status": { "is_frozen": false } } });
    for (id, event) in [("e-1", &away), ("e-2", &back)] {
        let mut envelope = World::envelope(id, "contact.user.updated_v3");
        envelope["header"].as_object_mut().unwrap().remove("create_time");
        envelope["event"] = event.clone();
        world.push(&envelope).await;
        world.acknowledged(id, 1).await;
        world.advance(Duration::from_mins(20)).await;
        world.reask_jobs().await;
        assert_eq!(world.reasked("asked").await, u64::from(id == "e-2"), "{id}");
    }
    assert!(world.reasked("put_off").await >= 1);
    world.card_turns(ALICE, "blue").await;
    world.end().await;
}
