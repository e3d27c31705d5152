//! Jobs that run once over all replicas: by the clock of several gateways, and by command beside them.

use std::time::Duration;

use cardkey::app::Gateway;
use cardkey::store::{JobRecord, Sweep};
use cardkey_sandbox::ALICE;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;

use crate::harness::{Setup, World};

const READ: &[&str] = &["apaas:app:read"];
const HOUR: Duration = Duration::from_hours(1);

/// The command line is wrong.
const USAGE: i32 = 2;

/// Looking for what is due all the time.
fn setup() -> Setup {
    let often = Setup::default().variable("CARDKEY_JOBS__POLL_SECONDS", "0.05");
    often.variable("CARDKEY_JOBS__LEASE_SECONDS", "0.6").variable("CARDKEY_LOG__LEVEL", "warn")
}

impl World {
    async fn job(&self, name: &str) -> JobRecord {
        let jobs = self.gateway().store().jobs().await.unwrap();
        jobs.into_iter().find(|job| job.name == name).unwrap()
    }

    async fn job_succeeded(&self, name: &str, times: i64) {
        self.until(async || {
            let jobs = self.gateway().store().jobs().await.unwrap();
            jobs.iter().any(|job| job.name == name && job.successes >= times)
        })
        .await;
    }

    /// The platform has ended Alice's grant.
    async fn dies(&self) {
        self.granted(READ).await;
        self.control("revoke", &json!({ "open_id": ALICE })).await;
        self.until(async || self.grants().await[0]["status"] == "needs_consent").await;
    }

    /// What a gateway counts.
    async fn counted(&self, gateway: &Gateway, series: &str) -> u64 {
        let text = self.http.get(format!("http://{}/metrics", gateway.metrics)).send().await.unwrap();
        let text = text.text().await.unwrap();
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok()).unwrap_or_default()
    }

    /// Waits until both gateways have looked for due jobs some more times.
    async fn both_look(&self, gateways: [&Gateway; 2]) {
        for gateway in gateways {
            let looked = async || self.counted(gateway, "cardkey_job_runs_total{job=\"jobs\",result=\"ok\"}").await;
            let before = looked().await;
            self.until(async || looked().await >= before + 3).await;
        }
    }
}

/// What a command printed, its complaint and its exit code.
async fn run(world: &World, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = world.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

on_each_database!(the_command_runs_lists_and_refuses, a_dry_run_says_what_a_run_deletes);

async fn of_two_gateways_one_runs_what_is_due() {
    let world = World::with(setup()).await;
    let other = world.another_gateway().await;
    let both = [world.gateway(), &other];
    world.job_succeeded("cleanup", 1).await;
    world.both_look(both).await;
    assert_eq!(world.job("cleanup").await.successes, 1, "once at the start, not once for each");

    // Five times are missed while nobody looks: it is one run.
    world.advance(5 * HOUR).await;
    world.job_succeeded("cleanup", 2).await;
    world.both_look(both).await;
    let job = world.job("cleanup").await;
    assert_eq!((job.successes, job.failures, job.abandoned), (2, 0, 0));
    assert!(job.due_at > world.now() && job.due_at <= world.now().plus(HOUR), "{job:?}");

    let series = "cardkey_job_runs_total{job=\"cleanup\",result=\"ok\"}";
    let runs = world.counted(both[0], series).await + world.counted(both[1], series).await;
    assert_eq!(runs, 2);
    let succeeded = u64::try_from(job.succeeded_at.unwrap().as_secs()).unwrap();
    for gateway in both {
        let shown = world.counted(gateway, "cardkey_job_last_success_timestamp_seconds{job=\"cleanup\"}").await;
        assert_eq!(shown, succeeded, "also where it did not run");
    }
    other.stop().await;
    world.end().await;
}

mod one_of_two {
    #[tokio::test]
    async fn on_postgres() {
        crate::harness::on(cardkey_engines::Engine::Postgres, super::of_two_gateways_one_runs_what_is_due()).await;
    }

    #[tokio::test]
    async fn on_mariadb() {
        crate::harness::on(cardkey_engines::Engine::MariaDb, super::of_two_gateways_one_runs_what_is_due()).await;
    }
}

async fn the_command_runs_lists_and_refuses() {
    let mut world = World::with(setup()).await;
    world.write_config();
    let asked = world.ask(READ).await;
    world.post(&format!("/v1/auth-sessions/{}/cancel", asked.session()), &json!({})).await;
    world.job_succeeded("cleanup", 1).await;
    let before = world.job("cleanup").await;

    let (printed, complaint, code) = run(&world, &["jobs", "run", "cleanup", "--dry-run"]).await;
    assert_eq!((complaint.as_str(), code), ("", Some(0)));
    assert!(printed.starts_with("cleanup would do: auth_sessions 0, events "), "{printed}");
    assert_eq!(world.job("cleanup").await.successes, before.successes, "a dry run is no run");

    let (printed, complaint, code) = run(&world, &["jobs", "run", "cleanup"]).await;
    assert_eq!(code, Some(0), "beside a gateway that runs: {complaint}");
    assert!(printed.starts_with("cleanup: auth_sessions 0, events 0"), "{printed}");
    assert_eq!(world.job("cleanup").await.successes, before.successes + 1);

    let (printed, _, code) = run(&world, &["jobs", "list"]).await;
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with("cleanup\t")).collect();
    let [line] = lines[..] else { panic!("{printed}") };
    for part in ["every 3600 s", "last success: 20", "next: 20", "2 ok, 0 failed, 0 abandoned", "did: auth_sessions 0"]
    {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }

    let (printed, complaint, code) = run(&world, &["jobs", "run", "clean-up"]).await;
    assert_eq!((printed.as_str(), code), ("", Some(USAGE)));
    let all = "cardkey: there is no job clean-up; the jobs are: cleanup, journal, dead_grants, user_info\n";
    assert_eq!(complaint, all, "one line with all names");
    world.gateway.take().unwrap().stop().await;
    world.end().await;
}

/// Nobody is asked again by the clock.
fn quiet() -> Setup {
    setup().variable("CARDKEY_AUTH__REASK", "on_next_use")
}

async fn a_dry_run_says_what_a_run_deletes() {
    let world = World::with(quiet()).await;
    world.write_config();
    world.dies().await;
    world.job_succeeded("dead_grants", 1).await;
    let (printed, ..) = run(&world, &["jobs", "run", "dead_grants", "--dry-run"]).await;
    assert_eq!(printed, "dead_grants would do: grants 0; nothing was changed\n", "it died today");
    let db = Database::connect(world.database.split('"').nth(1).unwrap()).await.unwrap();
    db.execute_unprepared("UPDATE grants SET dead_at = 0").await.unwrap();
    db.close().await.unwrap();
    for _ in 0..2 {
        let (printed, complaint, _) = run(&world, &["jobs", "run", "dead_grants", "--dry-run"]).await;
        assert_eq!(printed, "dead_grants would do: grants 1; nothing was changed\n", "{complaint}");
        assert_eq!(world.grants().await.len(), 1);
    }
    let (printed, complaint, code) = run(&world, &["jobs", "run", "dead_grants"]).await;
    assert_eq!((printed.as_str(), code), ("dead_grants: grants 1\n", Some(0)), "{complaint}");
    assert_eq!(world.grants().await.len(), 0);
    assert_eq!(world.ask(READ).await.status, 202, "the person can be asked as anybody can");
    world.end().await;
}

#[tokio::test]
async fn what_is_over_is_kept_as_long_as_the_settings_say() {
    for (sessions, events, dead, gone) in [("39", "959", "39", 1), ("41", "961", "41", 0), ("41", "961", "0", 0)] {
        // By itself the gateway looks once, at its start.
        let setup = quiet().variable("CARDKEY_JOBS__POLL_SECONDS", "3600");
        let setup = setup.variable("CARDKEY_CLEANUP__SESSIONS_DAYS", sessions);
        let setup = setup.variable("CARDKEY_CLEANUP__EVENTS_HOURS", events);
        let world = World::with(setup.variable("CARDKEY_CLEANUP__DEAD_GRANTS_DAYS", dead)).await;
        world.job_succeeded("cleanup", 1).await;
        world.job_succeeded("dead_grants", 1).await;
        world.dies().await;
        world.advance(40 * 24 * HOUR).await;
        let gateway = world.gateway();
        let cleanup = gateway.auth_sessions.run_cleanup(Sweep::Delete).await.unwrap();
        assert_eq!(cleanup, [("auth_sessions", gone), ("events", gone), ("lifted_suspensions", 0)], "{sessions}");
        let grants = gateway.grants.run_dead_grants(Sweep::Delete).await.unwrap();
        assert_eq!(grants, [("grants", gone)], "{dead}");
        world.end().await;
    }
}
