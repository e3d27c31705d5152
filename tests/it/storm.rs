//! A storm: two gateways (processes of the real binary) on one database server refresh the grants of many people, while the
//! platform fails, the database fails, people change their minds, and the gateways are killed in turn. When it is over the
//! sandbox's judge must find no token sent twice without reason and no grant lost but those that it knows to be lost, and what
//! is stored must be what is alive.
//!
//! Everything is drawn from a seed, which is printed. The small storms run in `make test`; the large one takes minutes, is run by
//! `make test-long` and leaves `docs/reports/two-gateways.md`. Its size is set by `STORM_PEOPLE`, `STORM_SECONDS` and
//! `STORM_SEED`.

mod database;
mod diary;
mod faults;
mod findings;
mod people;
mod plan;
mod replicas;
mod report;
mod seeding;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use cardkey_engines::Engine;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::diary::Diary;
use self::findings::{Evidence, Findings};
use self::plan::Plan;
use self::replicas::Replica;
use crate::harness::{World, on};

/// After the storm everything must have come to rest within a life of the access tokens and this.
const REST: Duration = Duration::from_mins(1);

/// Everything that a storm is made of.
struct Storm {
    plan: Plan,
    world: World,
    people: Vec<String>,
    replicas: [Replica; 2],
    diary: Diary,
    over: Instant,
}

impl Storm {
    async fn begin(plan: Plan) -> Self {
        let world = World::with_binary(plan.setup()).await;
        let people = world.crowd();
        seeding::seed(&world, &plan, &people).await;
        let replicas = [1, 2].map(|number| Replica::new(&world, number));
        let diary = Diary::default();
        for replica in &replicas {
            replica.start(&world, &diary).await;
        }
        let over = Instant::now() + plan.length;
        Self { plan, world, people, replicas, diary, over }
    }

    /// The platform's time (ms).
    fn now_ms(&self) -> i64 {
        self.world.sandbox.feishu().clock.now_ms()
    }

    /// Waits so long, or until the storm is over; whether it is.
    async fn pause(&self, length: Duration) -> bool {
        let until = Instant::now() + length;
        sleep_until(until.min(self.over)).await;
        until >= self.over
    }

    async fn rage(self: &Arc<Self>) {
        let mut parts = JoinSet::new();
        macro_rules! part {
            ($($work:tt)*) => {{
                let storm = Arc::clone(self);
                parts.spawn(async move { storm.$($work)*.await });
            }};
        }
        part!(strike());
        part!(spoil());
        part!(shake());
        part!(consent_anew());
        part!(take_back());
        for caller in 0..self.plan.callers as u64 {
            part!(call(caller));
        }
        parts.join_all().await;
    }

    /// Lets the faults end and waits until everybody's grant was refreshed since, or is known to need a consent.
    async fn calm(&self) {
        let begun = self.now_ms() * 1_000;
        self.world.sandbox.feishu().faults.clear();
        self.world.release().await;
        let deadline = Instant::now() + Duration::from_secs(self.plan.life_s.unsigned_abs()) + REST;
        // Who was frozen may be left alone for minutes.
        let others = self.diary.open().ended.keys().map(|person| format!("'{person}', ")).collect::<Vec<_>>().concat();
        let waits = format!(
            "SELECT count(*) FROM grants WHERE status = 'active' AND obtained_at < {begun} AND subject NOT IN ({others}'')"
        );
        loop {
            let (waiting, unasked) = (self.number(waits.clone()).await, self.unasked().await);
            if waiting + unasked == 0 {
                return;
            }
            if Instant::now() > deadline {
                return self
                    .diary
                    .wrong(format!("I25: {waiting} grants do not come to rest, {unasked} people are not asked"));
            }
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// How many people are still to be asked.
    async fn unasked(&self) -> usize {
        let stored = self.number("SELECT count(*) FROM grants WHERE status <> 'active'".to_owned()).await;
        if stored == 0 {
            return 0;
        }
        let (cards, stored) = (self.cards(), self.stored().await);
        findings::unasked(&stored, &cards, &self.diary.open()).len()
    }

    async fn judge(&self) -> (Findings, String) {
        let verdict = self.world.sandbox.judge_settled().await;
        let (stored, cards) = (self.stored().await, self.cards());
        let intents = self.number("SELECT count(*) FROM refresh_journal".to_owned()).await;
        let diary = self.diary.open();
        let (plan, verdict, diary) = (&self.plan, &verdict, &*diary);
        let found = Evidence { plan, verdict, stored: &stored, cards: &cards, diary, intents }.judge();
        let part = report::part(plan, verdict, diary, &found);
        (found, part)
    }
}

/// A whole storm: what was found, and the report's part.
#[expect(clippy::print_stdout, reason = "a test, whose output is kept and shown if it fails")]
async fn storm(plan: Plan) -> (Findings, String) {
    println!("{:?}: seed {}", plan.engine, plan.seed);
    let storm = Arc::new(Storm::begin(plan).await);
    storm.rage().await;
    storm.calm().await;
    for replica in &storm.replicas {
        replica.stop().await;
    }
    let judged = storm.judge().await;
    let Storm { world, .. } = Arc::into_inner(storm).unwrap();
    world.end().await;
    println!("{}", judged.1);
    judged
}

async fn small(engine: Engine) {
    let plan = Plan::small(engine, cardkey_sandbox::random::seed());
    on(engine, async move {
        let (found, _) = storm(plan).await;
        assert!(found.wrong.is_empty(), "{:#?}", found.wrong);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_postgres_lose_nothing_in_a_small_storm() {
    small(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_mariadb_lose_nothing_in_a_small_storm() {
    small(Engine::MariaDb).await;
}

#[expect(clippy::disallowed_methods, reason = "how large the test is, not how the product works")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a quarter of an hour: make test-long"]
async fn two_gateways_lose_nothing_in_a_large_storm() {
    let people = usize::try_from(number("STORM_PEOPLE").unwrap_or(10_000)).unwrap();
    let length = Duration::from_secs(number("STORM_SECONDS").unwrap_or(300));
    let seed = number("STORM_SEED").unwrap_or_else(cardkey_sandbox::random::seed);
    let (mut parts, mut wrong) = (Vec::new(), Vec::new());
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let plan = Plan::long(engine, seed, people, length);
        on(engine, async {
            let (found, part) = storm(plan).await;
            parts.push(part);
            wrong.extend(found.wrong);
        })
        .await;
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reports/two-gateways.md"), report::whole(&parts))
        .unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
