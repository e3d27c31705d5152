//! Cards when the platform is unwell: never two, and each shows the end.

use std::time::Duration;

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, BOB, CAROL};
use serde_json::{Value, json};

use crate::harness::World;

const READ: &[&str] = &["apaas:app:read"];

impl World {
    async fn send_fails(&self, action: &Value) {
        self.fault(&json!({ "match": { "api": "messages_create" }, "times": 1, "action": action })).await;
    }

    /// The card job, as if it were `later`.
    async fn cards_run(&self, later: u64) {
        self.clock.advance(Duration::from_secs(later));
        self.gateway().auth_sessions.run_cards().await.unwrap();
    }
}

#[tokio::test]
async fn a_send_that_nobody_answered_is_sent_again_as_the_same_message() {
    for (fault, delivered) in [("lose_answer", 1), ("drop", 0)] {
        let world = World::new().await;
        world.send_fails(&json!({ "kind": fault })).await;
        let asked = world.ask(READ).await;
        assert_eq!(asked.status, 202, "{fault}: {}", asked.text);
        assert_eq!(world.messages(ALICE).await.len(), delivered, "{fault}");
        assert_eq!(world.ask(READ).await.session(), asked.session(), "{fault}: who asks meanwhile joins");
        world.cards_run(6).await;
        let sends = |entry: &Entry| entry.call.api == "messages_create" && entry.done_ms.is_some();
        world.sandbox.feishu().journal.wait_for(2, sends).await;
        let card = world.card_turns(ALICE, "blue").await;
        assert_eq!(world.calls("messages_create").await, 2, "{fault}: sent twice, seen once");
        assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good", "{fault}");
        world.card_turns(ALICE, "green").await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_busy_platform_is_asked_again_later() {
    let world = World::new().await;
    for (person, action) in [
        (ALICE, json!({ "kind": "status", "status": 503, "body": {} })),
        (BOB, json!({ "kind": "status", "status": 500, "body": { "code": 55_555 } })),
        (CAROL, json!({ "kind": "body", "body_text": "<html>" })),
    ] {
        world.send_fails(&action).await;
        let asked = world.ask_for(person, READ, &json!({})).await;
        assert_eq!(asked.status, 202, "{action}: {}", asked.text);
        assert_eq!(world.messages(person).await.len(), 0, "{action}");
        world.cards_run(6).await;
        world.card_turns(person, "blue").await;
        assert_eq!(world.status(&asked.session()).await, "pending", "{action}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_face_that_could_not_be_changed_is_changed_later() {
    let world = World::new().await;
    let asked = world.ask(READ).await;
    world.card_turns(ALICE, "blue").await;
    let action = json!({ "kind": "status", "status": 502, "body": {} });
    world.fault(&json!({ "match": { "api": "messages_patch" }, "times": 2, "action": action })).await;
    world.post(&format!("/v1/auth-sessions/{}/cancel", asked.session()), &json!({})).await;
    for tries in 1..=2 {
        let patches = |entry: &Entry| entry.call.api == "messages_patch" && entry.done_ms.is_some();
        world.sandbox.feishu().journal.wait_for(tries, patches).await;
        world.card_is_due_again(&asked.session()).await;
        assert_eq!(world.card(ALICE).await["card"]["header"]["template"], "blue", "still the old face");
        world.cards_run(16).await;
    }
    world.card_turns(ALICE, "wathet").await;
    assert_eq!(world.calls("messages_patch").await, 3);
    world.end().await;
}

impl World {
    /// Waits until the outcome of a card's change was stored, with a time at which to look at it again.
    async fn card_is_due_again(&self, session: &str) {
        let id = cardkey::domain::ids::AuthSessionId::parse(session).unwrap();
        let now = self.gateway().auth_sessions.now();
        loop {
            let found = self.gateway().auth_sessions.find(&id).await.unwrap().unwrap();
            if found.card_due_at.is_some_and(|at| at > now) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
