//! What people are called, as the platform says it by now: by the clock, by command, after a refresh.

use std::time::Duration;

use cardkey::store::Sweep;
use cardkey_sandbox::{ALICE, BOB, CAROL};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World, on};

const READ: &[&str] = &["apaas:app:read"];
const HOUR: Duration = Duration::from_hours(1);

/// Access tokens that live for days.
fn setup() -> Setup {
    let mut setup = Setup::default().variable("CARDKEY_JOBS__POLL_SECONDS", "0.05");
    setup = setup.variable("CARDKEY_JOBS__LEASE_SECONDS", "0.6").variable("CARDKEY_LOG__LEVEL", "warn");
    setup.sandbox.lifetimes.access_token_s = 90 * 3_600;
    setup
}

impl World {
    async fn agrees(&self, person: &str) {
        let (session, link) = self.link(person, READ).await;
        self.visit(&link, person, "allow").await;
        assert_eq!(self.ended(&session).await["status"], "completed");
    }

    async fn renamed(&self, person: &str, name: &str) {
        self.control("people", &json!({ "open_id": person, "name": name })).await;
    }

    async fn name_of(&self, person: &str) -> Value {
        let grants = self.grants().await;
        grants.iter().find(|grant| grant["subject"] == person).unwrap()["name"].clone()
    }

    /// Lets so much time pass, and the pair be replaced by one whose owner is known.
    async fn refreshed_after(&self, time: Duration, generation: u64) {
        let identified =
            async || self.count(&format!("cardkey_refresh_identity_total{{app_id=\"{APP}\",outcome=\"same\"}}")).await;
        let before = identified().await;
        self.advance(time).await;
        assert_eq!(self.ask(READ).await.status, 200);
        self.until(async || self.grants().await[0]["generation"] == generation).await;
        self.until(async || identified().await == before + 1).await;
    }

    async fn looked_up(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_user_info_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")).await
    }
}

fn user_info(times: u32, action: &Value) -> Value {
    json!({ "match": { "api": "user_info" }, "times": times, "action": action })
}

#[tokio::test]
async fn whoever_cannot_be_looked_up_stops_nobody_else() {
    let world = World::with(setup()).await;
    for person in [ALICE, BOB, CAROL] {
        world.agrees(person).await;
        world.renamed(person, "Somebody else by now").await;
    }
    world.advance(2 * HOUR).await;
    let before = world.grants().await;
    let grants = &world.gateway().grants;
    assert_eq!(grants.run_user_info(Sweep::Count).await.unwrap(), [("people", 3)]);
    assert_eq!(world.grants().await, before, "counting changes nothing");

    world.control("person_status", &json!({ "open_id": BOB, "frozen": true, "push": false })).await;
    let counts = grants.run_user_info(Sweep::Delete).await.unwrap();
    assert_eq!(counts, [("updated", 2), ("failed", 1), ("mismatched", 0)]);
    assert_eq!(world.name_of(ALICE).await, "Somebody else by now");
    assert_eq!(world.name_of(CAROL).await, "Somebody else by now");
    let bob = |grants: &[Value]| grants.iter().find(|grant| grant["subject"] == BOB).cloned().unwrap();
    assert_eq!(bob(&world.grants().await), bob(&before), "he is left as he is");
    assert_eq!((world.looked_up("updated").await, world.looked_up("failed").await), (2, 1));

    let again = grants.run_user_info(Sweep::Delete).await.unwrap();
    assert_eq!(again, [("updated", 0), ("failed", 1), ("mismatched", 0)], "whoever was looked up lately is left alone");
    world.end().await;
}

#[tokio::test]
async fn an_answer_that_names_somebody_else_changes_nothing() {
    let world = World::with(setup()).await;
    world.agrees(ALICE).await;
    world.advance(2 * HOUR).await;
    let before = world.grants().await;
    let data = json!({ "open_id": BOB, "name": "Bob" });
    let body_text = json!({ "code": 0, "msg": "success", "data": data }).to_string();
    world.fault(&user_info(1, &json!({ "kind": "body", "body_text": body_text }))).await;
    let counts = world.gateway().grants.run_user_info(Sweep::Delete).await.unwrap();
    assert_eq!(counts, [("updated", 0), ("failed", 0), ("mismatched", 1)]);
    assert_eq!(world.grants().await, before);
    assert_eq!(world.looked_up("mismatched").await, 1);
    assert_eq!(world.ask(READ).await.status, 200, "the grant is as good as it was");
    world.end().await;
}

#[tokio::test]
async fn a_schedule_that_is_on_looks_everybody_up_once() {
    let on = setup().variable("USER_INFO_SYNC_ENABLED", "true").variable("USER_INFO_SYNC_SCHEDULE", "30 * * * *");
    for (setup, times) in [(on, 1), (setup(), 0)] {
        let world = World::with(setup).await;
        world.agrees(ALICE).await;
        world.renamed(ALICE, "Alice Cooper").await;
        world.advance(3 * HOUR).await;
        if times == 1 {
            world.until(async || world.name_of(ALICE).await == "Alice Cooper").await;
        }
        let looks = async || world.count("cardkey_job_runs_total{job=\"jobs\",result=\"ok\"}").await;
        let before = looks().await;
        world.until(async || looks().await >= before + 3).await;
        assert_eq!(world.looked_up("updated").await, times);
        world.end().await;
    }
}

#[tokio::test]
async fn a_refresh_brings_the_name_once_a_day() {
    let world = World::new().await;
    world.granted(READ).await;
    world.renamed(ALICE, "Alice Cooper").await;
    world.refreshed_after(3 * HOUR, 2).await;
    assert_ne!(world.name_of(ALICE).await, "Alice Cooper", "she was looked up three hours ago");
    world.refreshed_after(22 * HOUR, 3).await;
    world.until(async || world.name_of(ALICE).await == "Alice Cooper").await;
    assert_eq!(world.looked_up("updated").await, 1);
    world.end().await;
}

async fn execute(world: &World, statements: &[&str]) {
    let url = world.database.split('"').nth(1).unwrap();
    let db = Database::connect(url).await.unwrap();
    for sql in statements {
        db.execute_unprepared(sql).await.unwrap();
    }
    db.close().await.unwrap();
}

/// As if everybody had been looked up long ago, and that were due.
async fn long_ago(world: &World) {
    let due = "UPDATE jobs SET due_at = 0 WHERE name = 'user_info'";
    execute(world, &["UPDATE grants SET info_at = NULL", due]).await;
}

fn rarely() -> Setup {
    setup().variable("USER_INFO_SYNC_ENABLED", "true").variable("USER_INFO_SYNC_SCHEDULE", "0 2 29 2 *")
}

/// A gateway in the middle of a run, which the platform holds back.
async fn in_the_middle() -> World {
    let world = World::with(rarely()).await;
    world.agrees(ALICE).await;
    world.renamed(ALICE, "Alice Cooper").await;
    let calls = world.calls("user_info").await;
    world.fault(&user_info(1, &json!({ "kind": "hold" }))).await;
    long_ago(&world).await;
    world.called("user_info", calls + 1).await;
    world
}

async fn runs(world: &World, result: &str) -> u64 {
    world.count(&format!("cardkey_job_runs_total{{job=\"user_info\",result=\"{result}\"}}")).await
}

#[tokio::test]
async fn a_run_that_was_taken_over_stops() {
    let world = in_the_middle().await;
    execute(&world, &["UPDATE jobs SET run_no = run_no + 1 WHERE name = 'user_info'"]).await;
    world.until(async || runs(&world, "lost").await == 1).await;
    world.until(async || runs(&world, "ok").await == 1).await;
    assert_eq!(runs(&world, "abandoned").await, 1, "it was due still, and this process ran it as another one");
    assert_eq!(world.name_of(ALICE).await, "Alice Cooper");
    world.release().await;
    world.end().await;
}

#[tokio::test]
async fn a_run_whose_process_ends_in_order_is_given_back() {
    let mut world = in_the_middle().await;
    world.gateway.take().unwrap().stop().await;
    world.start_gateway().await;
    world.until(async || runs(&world, "ok").await == 1).await;
    assert_eq!(runs(&world, "abandoned").await, 0);
    assert_eq!(world.name_of(ALICE).await, "Alice Cooper");
    world.release().await;
    world.end().await;
}

async fn a_run_whose_process_is_killed_is_another_ones() {
    let world = World::with_binary(rarely().variable("CARDKEY_LOG__LEVEL", "info")).await;
    let process = world.start_process().await;
    world.agrees(ALICE).await;
    world.renamed(ALICE, "Alice Cooper").await;
    let calls = world.calls("user_info").await;
    world.fault(&user_info(1, &json!({ "kind": "hold" }))).await;
    long_ago(&world).await;
    world.called("user_info", calls + 1).await;
    let refused = world.run(&["jobs", "run", "user_info"]).await;
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), complaint.as_str()), (Some(1), "cardkey: user_info is running already\n"));
    process.kill().await;
    world.release().await;

    let process = world.start_process().await;
    process.logs("the process that ran a job is dead").await;
    world.until(async || world.name_of(ALICE).await == "Alice Cooper").await;
    let done = async || String::from_utf8(world.run(&["jobs", "list"]).await.stdout).unwrap();
    world
        .until(async || done().await.contains("1 ok, 0 failed, 1 abandoned\tdid: failed 0, mismatched 0, updated 1"))
        .await;
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn killed_on_sqlite() {
    a_run_whose_process_is_killed_is_another_ones().await;
}

#[tokio::test]
async fn killed_on_postgres() {
    on(cardkey_engines::Engine::Postgres, a_run_whose_process_is_killed_is_another_ones()).await;
}

#[tokio::test]
async fn killed_on_mariadb() {
    on(cardkey_engines::Engine::MariaDb, a_run_whose_process_is_killed_is_another_ones()).await;
}
