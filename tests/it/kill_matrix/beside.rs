//! Beside the crash points: what must cost nothing at all, and what a kill costs of those in flight.

use cardkey_engines::{Engine, Mortal};
use cardkey_sandbox::judge::Verdict;
use cardkey_sandbox::{ALICE, Options};
use serde_json::json;

use super::endings::{READ, worked};
use super::findings::Finding;
use super::seats::Pace;
use crate::harness::{Process, Setup, World, on};

/// People, and how many of them are refreshed at a time.
const PEOPLE: usize = 8;
const IN_FLIGHT: usize = 3;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Sigterm,
    /// The server dies and comes back while this place is reached.
    Restart(&'static str),
    /// The clock jumps by so many seconds.
    Jump(i64),
    /// Many are in flight when the process is killed.
    Many,
}

/// A row of the table, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    trouble: Trouble,
}

const HOUR: i64 = 3_600;

/// All of them.
pub(super) static ROWS: &[Row] = &[
    Row { name: "sigterm", words: "SIGTERM while the answer is on its way", trouble: Trouble::Sigterm },
    Row {
        name: "restart-in-t1",
        words: "the database dies and comes back in the middle of the intent",
        trouble: Trouble::Restart("c1"),
    },
    Row {
        name: "restart-in-t2",
        words: "the database dies and comes back in the middle of the save",
        trouble: Trouble::Restart("c9"),
    },
    Row { name: "clock-ahead", words: "the clock jumps an hour ahead during a refresh", trouble: Trouble::Jump(HOUR) },
    Row { name: "clock-back", words: "the clock jumps an hour back during a refresh", trouble: Trouble::Jump(-HOUR) },
    Row { name: "many", words: "SIGKILL with 3 of 8 people's refreshes in flight", trouble: Trouble::Many },
];

/// The databases.
pub(super) const ENGINES: [(&str, Option<Engine>); 3] =
    [("sqlite", None), ("postgres", Some(Engine::Postgres)), ("mariadb", Some(Engine::MariaDb))];

/// A row on a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    pub(super) row: &'static Row,
    pub(super) database: (&'static str, Option<Engine>),
}

impl Beside {
    /// As the filter names it.
    pub(super) fn name(&self) -> String {
        format!("beside {} {}", self.database.0, self.row.name)
    }

    pub(super) async fn run(self) -> Finding {
        match (self.database.1, self.row.trouble) {
            (None, Trouble::Restart(_)) => Finding::none(),
            (Some(engine), Trouble::Restart(place)) => restart(engine, place).await,
            (Some(engine), trouble) => on(engine, meet(trouble)).await,
            (None, trouble) => meet(trouble).await,
        }
    }
}

async fn meet(trouble: Trouble) -> Finding {
    match trouble {
        Trouble::Jump(seconds) => jump(seconds).await,
        Trouble::Many => many().await,
        _ => sigterm().await,
    }
}

/// A gateway whose next refresh the platform has worked on and holds.
async fn held(world: &World) -> Process {
    let before = world.refreshes_seen();
    world.refresh_fault(&json!({ "kind": "hold", "act": true })).await;
    let process = world.start_process().await;
    world.sandbox.feishu().journal.wait_for(before + 1, worked).await;
    process
}

/// Nothing may be lost, or be sent twice.
async fn unharmed(world: World, process: Process) -> Finding {
    let asked = world.ends_asked(Pace::Scaled).await;
    process.stop().await;
    let finding = unharmed_finding(asked, &world.sandbox.feishu().judge());
    world.end_of_many();
    finding
}

fn unharmed_finding(asked: bool, verdict: &Verdict) -> Finding {
    let totals = &verdict.totals;
    let mut wrong = Vec::new();
    wrong.extend(asked.then(|| "asked though nothing was lost (I9)".to_owned()));
    let harm = totals.lost + totals.double_sends + totals.overlapping_sends;
    wrong.extend((harm > 0).then(|| format!("the judge finds {totals:?}")));
    Finding { wrong, ..Finding::ending(asked) }
}

async fn sigterm() -> Finding {
    let world = World::with_a_grant(Pace::Scaled.setup()).await;
    let mut process = held(&world).await;
    process.terminate();
    process.logs("SIGTERM: finishing work in flight").await;
    world.release().await;
    assert_eq!(process.ended().await.code(), Some(0));
    let process = world.start_process().await;
    unharmed(world, process).await
}

/// The process stands still in the middle of a transaction while its server dies and comes back.
async fn restart(engine: Engine, place: &str) -> Finding {
    let mut server = tokio::task::block_in_place(|| Mortal::start(engine));
    let setup = Setup { database: Some(server.database()), ..Pace::Scaled.setup() };
    let mut world = World::with_a_grant(setup).await;
    world.setup.environment.insert("FAILPOINT".to_owned(), format!("stop:{place}"));
    let process = world.spawn_process(&["--demo"]);
    process.stopped().await;
    tokio::task::block_in_place(|| server.crash());
    process.signal("CONT");
    unharmed(world, process).await
}

/// The wall clock of the process, and of nobody else, jumps while the answer is on its way.
async fn jump(seconds: i64) -> Finding {
    let mut world = World::with_a_grant(Pace::Scaled.setup()).await;
    let offset = world.directory.path().join("clock-offset");
    std::fs::write(&offset, "+0").unwrap();
    let variables = [
        ("LD_PRELOAD", library()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    world.setup.environment.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    let process = held(&world).await;
    std::fs::write(&offset, format!("{seconds:+}")).unwrap();
    world.release().await;
    unharmed(world, process).await
}

/// Where Debian has the library that moves a process's clock.
fn library() -> String {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let library = folders.map(|entry| entry.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    library.expect("scripts/set-up.sh installs faketime").display().to_string()
}

/// Of many people, as many as are in flight at the death may be lost, and nobody else.
async fn many() -> Finding {
    let setup = Pace::Scaled.setup().variable("CARDKEY_REFRESH__IN_FLIGHT", &IN_FLIGHT.to_string());
    let sandbox = Options { generated_people: PEOPLE - 1, ..setup.sandbox.clone() };
    let world = World::with_a_grant(Setup { sandbox, ..setup }).await;
    let process = world.start_process().await;
    for person in world.crowd() {
        let (_, link) = world.link(&person, READ).await;
        assert_eq!(world.visit(&link, &person, "allow").await.mood(), "good");
    }
    process.stop().await;
    let before = world.refreshes_seen();
    world.refresh_faults(&json!({ "kind": "hold", "act": true }), IN_FLIGHT).await;
    let process = world.start_process().await;
    world.sandbox.feishu().journal.wait_for(before + IN_FLIGHT, worked).await;
    process.kill().await;
    world.release().await;
    let process = world.start_process().await;
    let asked = asked_of_many(&world).await;
    process.stop().await;
    let totals = world.sandbox.feishu().judge().totals;
    world.end_of_many();
    let mut wrong = Vec::new();
    wrong.extend((asked > IN_FLIGHT).then(|| format!("{asked} asked with {IN_FLIGHT} in flight (I9)")));
    wrong.extend((totals.lost != asked).then(|| format!("{asked} asked and {} lost (I8)", totals.lost)));
    Finding { wrong, ..Finding::of(format!("{asked} asked")) }
}

/// Waits until everybody's grant is known to be kept or not; how many are not.
async fn asked_of_many(world: &World) -> usize {
    let first = world.grants().await;
    assert_eq!(first.len(), PEOPLE, "{ALICE} and the others");
    let before = |id: &serde_json::Value| {
        let known = first.iter().find(|grant| grant["id"] == *id);
        known.and_then(|grant| grant["generation"].as_u64()).unwrap_or_default()
    };
    let is_asked = |grant: &serde_json::Value| grant["status"] == "needs_consent";
    let is_kept =
        |grant: &serde_json::Value| grant["generation"].as_u64().unwrap_or_default() >= before(&grant["id"]) + 2;
    world
        .in_time(Pace::Scaled, async || {
            world.grants_if_any().await.iter().all(|grant| is_asked(grant) || is_kept(grant))
        })
        .await;
    world.grants().await.iter().filter(|grant| is_asked(grant)).count()
}
