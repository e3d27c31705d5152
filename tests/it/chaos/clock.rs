//! Clocks that are wrong, or step: no refresh token is sent twice for that, and what is served is wrong by no more than they are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cardkey::domain::clock::Clock as _;
use cardkey::domain::ids::{AttemptId, GrantId};
use cardkey::domain::refresh::Claim;
use cardkey::store::{Attempt, Claimed};
use cardkey_engines::Engine;
use cardkey_sandbox::ALICE;
use serde_json::json;

use super::{READ, refresh, short_lives};
use crate::harness::{MovedClock, World, on};

on_each_database!(a_clock_that_steps_during_a_refresh_sends_nothing_twice, a_clock_that_steps_back_is_wrong_by_no_more);

const STEP: Duration = Duration::from_hours(1);

impl World {
    fn steps(&self, ahead: bool) {
        if ahead { self.clock.advance(STEP) } else { self.clock.set_back(STEP) }
    }
}

async fn a_clock_that_steps_during_a_refresh_sends_nothing_twice() {
    for ahead in [true, false] {
        let world = World::new().await;
        world.granted(READ).await;
        world.an_answer_is_held().await;
        world.steps(ahead);
        world.starts().await;
        assert_eq!(world.gateway().grants.under_way(), 1, "the same one");
        world.release().await;
        world.comes_to(2).await;
        assert_eq!(world.sends(), 1, "ahead: {ahead}");
        // Its own pair's life is measured from when it came, whatever the clock says.
        let reply = world.ask(READ).await;
        let life = reply.json()["expires_in"].as_u64().unwrap();
        assert!(reply.status == 200 && (7_100..=7_200).contains(&life), "ahead: {ahead}: {}", reply.text);
        world.steps(!ahead);
        world.nothing_is_lost_or_sent_twice().await;
        world.end().await;
    }
}

async fn a_clock_that_steps_back_is_wrong_by_no_more() {
    let world = World::new().await;
    world.granted(READ).await;
    let life = async || world.ask(READ).await.json()["expires_in"].as_u64().unwrap();
    world.steps(false);
    assert!((10_700..=10_800).contains(&life().await), "an hour too much");
    world.steps(true);
    assert!((7_100..=7_200).contains(&life().await), "and right again");
    world.steps(true);
    assert!((3_500..=3_600).contains(&life().await), "an hour too little");
    assert_eq!(world.sends(), 0);
    world.end().await;
}

/// The claim of a gateway with its own idea of the time, while another's is under way.
async fn leases_are_the_servers_whatever_a_gateways_clock_says(engine: Engine) {
    let test = async {
        let world = World::new().await;
        world.granted(READ).await;
        world.an_answer_is_held().await;
        let grant = GrantId::parse(world.grants().await[0]["id"].as_str().unwrap()).unwrap();
        for ahead in [true, false] {
            let clock = Arc::new(MovedClock::default());
            clock.advance(super::NEARLY_OVER);
            if ahead {
                clock.advance(STEP);
            } else {
                clock.set_back(STEP);
            }
            let other = world.another_gateway_by(Arc::clone(&clock)).await;
            let (id, owner) = (AttemptId::parse(&format!("other-{ahead}")).unwrap(), "other".to_owned());
            let attempt = Attempt { id, owner, grant: grant.clone(), generation: 1 };
            let claimed = other.store().claim_refresh(&attempt, Duration::from_secs(90), clock.now()).await.unwrap();
            assert!(matches!(claimed, Claimed::Refused(Claim::Busy)), "ahead: {ahead}: {claimed:?} (I27)");
            other.stop().await;
        }
        assert_eq!(world.sends(), 1);
        world.release().await;
        world.comes_to(2).await;
        world.nothing_is_lost_or_sent_twice().await;
        world.end().await;
    };
    on(engine, test).await;
}

#[tokio::test]
async fn leases_are_the_servers_on_postgres() {
    leases_are_the_servers_whatever_a_gateways_clock_says(Engine::Postgres).await;
}

#[tokio::test]
async fn leases_are_the_servers_on_mariadb() {
    leases_are_the_servers_whatever_a_gateways_clock_says(Engine::MariaDb).await;
}

/// The library of the package faketime.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|folder| folder.path().join("faketime"));
    let found = folders.map(|folder| folder.join("libfaketimeMT.so.1")).find(|library| library.exists());
    found.expect("scripts/set-up.sh installs faketime")
}

/// The system's clock steps under a process, as a time server makes it do.
#[tokio::test]
async fn a_step_of_the_systems_clock_during_a_refresh_sends_nothing_twice() {
    let mut world = World::with_binary(short_lives()).await;
    let offset = world.directory.path().join("offset");
    let step = |by: &str| {
        std::fs::write(offset.with_extension("new"), by).unwrap();
        std::fs::rename(offset.with_extension("new"), &offset).unwrap();
    };
    step("+0");
    let variables = [
        ("LD_PRELOAD", faketime().display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    world.setup.environment.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    let process = world.start_process().await;
    world.spoil_refreshes(1, json!({ "kind": "hold", "act": true })).await;
    assert_eq!(world.granted(READ).await.status, 200);
    world.sandbox.feishu().journal.wait_for(1, |entry| refresh(entry) && entry.outcome.is_some()).await;
    step("+3600");
    // A pass after the step finds the claim over, by the clock.
    let passed = "cardkey_job_last_success_timestamp_seconds{job=\"refresh\"}";
    let real = u64::try_from(world.now().as_secs()).unwrap();
    world.metric_is_at_least(passed, real + 3_000, "a pass by the new time").await;
    assert_eq!(world.sends(), 1);
    world.release().await;
    world.comes_to(3).await;
    step("-3600");
    assert_eq!(world.messages(ALICE).await.len(), 0);
    world.nothing_is_lost_or_sent_twice().await;
    process.stop().await;
    world.end().await;
}
