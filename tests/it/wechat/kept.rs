//! What is kept of a login: two session keys at the most, sealed, and the app's own token for all processes.

use std::time::Duration;

use cardkey::domain::ids::{AppId, Subject, SubjectId};
use cardkey_sandbox::{ALICE, BOB, WECHAT_APP_ID};
use serde_json::{Value, json};

use super::{IDENTITIES, path, world};
use crate::harness::{Setup, World};

#[tokio::test]
async fn session_keys_outlive_the_process_sealed() {
    let mut world = world().await;
    let person = subject(&world.log_in(ALICE, &json!({})).await.json());
    let given = world.user_info(ALICE, &json!({})).await;
    let kept = world.gateway().store().session_keys(&person).await.unwrap().unwrap();
    assert!(world.sandbox.secrets().contains(&kept.current.expose().to_owned()), "the file is searched for it");
    world.restart_gateway().await;
    let reply = world.log_in(ALICE, &given).await;
    assert_eq!(reply.status, 200, "made before the login and before the restart: {}", reply.text);
    let then = world.gateway().store().session_keys(&person).await.unwrap().unwrap();
    assert!(then.former.unwrap().matches(kept.current.expose()));
    world.end().await;
}

#[tokio::test]
async fn the_apps_token_is_kept_over_a_restart() {
    let mut world = world().await;
    let subject = world.log_in(ALICE, &json!({})).await.json()["subject"].clone();
    let body = json!({ "subject": subject });
    assert_eq!(world.post(&path("/session"), &body).await.status, 200);
    world.restart_gateway().await;
    assert_eq!(world.post(&path("/session"), &body).await.status, 200);
    assert_eq!(world.weixin_calls("stable_token"), 1);
    world.end().await;
}

#[tokio::test]
async fn keys_of_people_who_stay_away_are_forgotten() {
    let mut world = World::with(Setup::mini_program().variable("CARDKEY_JOBS__POLL_SECONDS", "0.05")).await;
    world.key = world.new_key("expenses", &[WECHAT_APP_ID], IDENTITIES).await;
    let alice = subject(&world.log_in(ALICE, &json!({})).await.json());
    world.advance(Duration::from_hours(31 * 24)).await;
    let bob = subject(&world.log_in(BOB, &json!({})).await.json());
    let is_kept = async |person: &Subject| world.gateway().store().session_keys(person).await.unwrap().is_some();
    world.until(async || !is_kept(&alice).await).await;
    assert!(is_kept(&bob).await);
    world.end().await;
}

/// Whom an answer names.
fn subject(told: &Value) -> Subject {
    let id = SubjectId::parse(told["subject"].as_str().unwrap()).unwrap();
    Subject { app: AppId::parse(WECHAT_APP_ID).unwrap(), id }
}
