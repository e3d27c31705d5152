//! Polls of the device authorization grant keep to the platform's limit on its token endpoint together with everything else that
//! calls it.

use std::time::Duration;

use cardkey::app::Gateway;
use cardkey_sandbox::{ALICE, BOB};
use serde_json::json;

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// More than the platform's interval between two polls.
const INTERVAL: Duration = Duration::from_secs(6);

on_each_server!(two_gateways_poll_from_one_budget);

impl World {
    async fn is_asked(&self, person: &str) {
        let asked = self.ask_for(person, READ, &json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
    }

    /// The polls of some intervals, by all of these gateways.
    async fn intervals_pass(&self, gateways: &[&Gateway]) {
        for _ in 0..3 {
            self.advance(INTERVAL).await;
            for gateway in gateways {
                gateway.auth_sessions.run_device_polls().await.unwrap();
            }
        }
    }

    async fn polls(&self) -> usize {
        self.calls("oauth_token").await
    }
}

#[tokio::test]
async fn a_poll_that_finds_no_room_waits_for_its_next_interval() {
    let setup = Setup::code("device").variable("CARDKEY_REFRESH__PER_SECOND", "1");
    let world = World::with(setup.variable("CARDKEY_REFRESH__PER_MINUTE", "1")).await;
    world.is_asked(ALICE).await;
    world.is_asked(BOB).await;
    world.intervals_pass(&[world.gateway()]).await;
    assert_eq!(world.polls().await, 1, "one a minute, of two people");
    world.advance(Duration::from_mins(1)).await;
    world.until(async || world.polls().await == 2).await;
    world.end().await;
}

#[tokio::test]
async fn too_many_silences_the_polls_for_everybody() {
    let world = World::with(Setup::code("device")).await;
    let headers = json!({ "x-ogw-ratelimit-reset": "52" });
    let action = json!({ "kind": "status", "status": 429, "body": { "code": 99_991_400 }, "headers": headers });
    world.fault(&json!({ "match": { "api": "oauth_token" }, "times": 1, "action": action })).await;
    world.is_asked(ALICE).await;
    world.advance(INTERVAL).await;
    world.until(async || world.polls().await == 1).await;
    world.is_asked(BOB).await;
    world.intervals_pass(&[world.gateway()]).await;
    assert_eq!(world.polls().await, 1, "silence (I18)");
    world.advance(Duration::from_secs(52)).await;
    world.until(async || world.polls().await >= 3).await;
    world.end().await;
}

async fn two_gateways_poll_from_one_budget() {
    let world = World::with(Setup::code("device")).await;
    let other = world.another_gateway().await;
    other.store().close_budget(APP, Duration::from_hours(1), world.now()).await.unwrap();
    world.is_asked(ALICE).await;
    world.intervals_pass(&[world.gateway(), &other]).await;
    assert_eq!(world.polls().await, 0);
    other.stop().await;
    world.end().await;
}
