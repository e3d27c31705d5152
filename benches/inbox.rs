//! How many events the inbox takes per second: 128 callers, each waiting until its event is on the disk before it sends
//! the next one. `cargo bench --bench inbox`; the database is made in the directory that `CARDKEY_BENCH_DIR` names, else
//! in the system's one for temporary files, which should not be in memory.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not a part of the program")]
#![expect(clippy::disallowed_methods, reason = "there is no configuration here that could read the environment")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cardkey::domain::clock::Timestamp;
use cardkey::domain::ids::{AppId, EventId};
use cardkey::domain::random::Random;
use cardkey::domain::refresh_plan::RefreshPlan;
use cardkey::store::{Accepted, PoolConfig, Store, StoreConfig};
use cardkey::vault::{Keyring, Vault};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

const CALLERS: u64 = 128;
const ROUND: Duration = Duration::from_secs(5);
const ROUNDS: u32 = 5;

/// Every hundredth event is one that came before.
const REPEAT_EVERY: u64 = 100;

struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = scramble(self.0.fetch_add(1, Ordering::Relaxed)).to_le_bytes()[0];
        }
    }
}

/// `SplitMix64`: ids that look as random as a platform's.
const fn scramble(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[tokio::main]
async fn main() {
    let root = std::env::var_os("CARDKEY_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let directory = tempfile::tempdir_in(root).unwrap();
    let config = StoreConfig {
        url: format!("sqlite://{}?mode=rwc", directory.path().join("bench.db").display()),
        pool: PoolConfig::default(),
        migrate: true,
        plan: RefreshPlan::default(),
    };
    let tracker = TaskTracker::new();
    let store = Store::open(config.clone(), vault(), &tracker).await.unwrap();
    let next = Arc::new(AtomicU64::new(0));
    for round in 1..=ROUNDS {
        measure(&store, &next, round).await;
    }
    store.close().await;
    reopen(config, &tracker, next.load(Ordering::Relaxed)).await;
    tracker.close();
    tracker.wait().await;
}

fn vault() -> Vault {
    let keyring = Keyring::parse("bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    Vault::new(keyring, Arc::new(Counter(AtomicU64::new(0))))
}

async fn reopen(config: StoreConfig, tracker: &TaskTracker, events: u64) {
    let begun = Instant::now();
    let store = Store::open(config, vault(), tracker).await.unwrap();
    let opened = begun.elapsed();
    store.claim_inbox().await.unwrap();
    println!("reopened in {opened:?}, {events} events known again after {:?}", begun.elapsed());
    store.close().await;
}

async fn measure(store: &Store, next: &Arc<AtomicU64>, round: u32) {
    let (begun, commits) = (Instant::now(), store.commits());
    let callers: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(call(store.clone(), Arc::clone(next), begun + ROUND))).collect();
    let (mut taken, mut slowest) = (0, Duration::ZERO);
    for caller in callers {
        let (events, slow) = caller.await.unwrap();
        taken += events;
        slowest = slowest.max(slow);
    }
    let (spent, commits) = (begun.elapsed().as_secs_f64(), store.commits() - commits);
    println!(
        "round {round}: {:.0} events/s, {:.0} commits/s, {:.1} events per commit, slowest {slowest:?}",
        taken as f64 / spent,
        commits as f64 / spent,
        taken as f64 / commits as f64,
    );
}

async fn call(store: Store, next: Arc<AtomicU64>, until: Instant) -> (u64, Duration) {
    let app = AppId::parse("cli_a1b2c3d4e5f60708").unwrap();
    let (mut taken, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < until {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let repeated = number % REPEAT_EVERY == REPEAT_EVERY - 1;
        let seed = if repeated { number.saturating_sub(1000) } else { number };
        let id = EventId::parse(&format!("{:016x}{:016x}", scramble(seed), scramble(!seed))).unwrap();
        let at = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap());
        let begun = Instant::now();
        let accepted = store.accept(&app, &id, "im.message.receive_v1", at).await.unwrap();
        slowest = slowest.max(begun.elapsed());
        assert!(repeated || accepted == Accepted::New);
        taken += 1;
    }
    (taken, slowest)
}
