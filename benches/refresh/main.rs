//! What refreshing costs: passes of the scheduler, starting with a million grants, refreshes per second, a simulated day.
//! `make bench-refresh` runs it; bench/README.md says what is measured. It fails if anything is wrong, slow is not wrong.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement, not a part of the program"
)]
#![expect(clippy::disallowed_methods, reason = "a stop watch is what it needs")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod databases;
mod figures;
mod gateway;
mod passes;
mod platform;
mod report;
mod simulation;
mod sustained;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cardkey::app::SystemClock;
use cardkey::domain::clock::Clock as _;
use cardkey_sandbox::{Options, Sandbox};
use clap::Parser;

use databases::Kind;
use gateway::Recipe;
use passes::Stock;
use report::{Case, Measured};
use simulation::{Simulation, Spec};

/// What refreshing costs.
#[derive(Parser)]
struct Arguments {
    /// How many grants are stored, the most last.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    stored: Vec<usize>,
    /// How many of the most are due: few, some, many.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,100000")]
    due: Vec<i64>,
    /// Rounds of passes, and starts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Rounds of sustained refreshing.
    #[arg(long, default_value_t = 3)]
    long_rounds: usize,
    /// Seconds of each of these.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Grants that are refreshed again and again.
    #[arg(long, default_value_t = 5_000)]
    refreshed: usize,
    /// People of the simulated day.
    #[arg(long, default_value_t = 1_000_000)]
    people: usize,
    /// How many of them are used.
    #[arg(long, default_value_t = 90_000)]
    active: usize,
    /// Only this: passes, sustained or simulation.
    #[arg(long)]
    only: Option<String>,
    /// Where the databases are made.
    #[arg(long, default_value = "bench/results")]
    folder: PathBuf,
    /// Where the report goes; it is printed otherwise.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.folder).unwrap();
    let folder = tempfile::tempdir_in(&arguments.folder).unwrap();
    let (mut text, mut right) = (report::opening(arguments.rounds), true);
    if arguments.wants("passes") {
        text += &stocks(&arguments, folder.path()).await;
    }
    if arguments.wants("sustained") {
        let (part, good) = refreshing(&arguments, folder.path()).await;
        text += &part;
        right &= good;
    }
    if arguments.wants("simulation") {
        let (part, good) = day(&arguments);
        text += &part;
        right &= good;
    }
    println!("\n{text}");
    if let Some(path) = &arguments.report {
        std::fs::write(path, text).unwrap();
    }
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Passes over databases of several sizes, and gateways that start on the largest.
async fn stocks(arguments: &Arguments, folder: &Path) -> String {
    let most = *arguments.stored.last().unwrap();
    let mut engines = Vec::new();
    for (kind, stocks) in fill(arguments, folder).await {
        let largest = stocks.last().unwrap();
        let (bytes, plan) = (largest.home.bytes().await, largest.home.plan(largest.when_due(arguments.due[1])).await);
        let measured = Measured { kind, bytes, plan, starts: Vec::new(), cases: Vec::new(), drained: Vec::new() };
        engines.push((measured, stocks));
    }
    starts(arguments, folder, &mut engines).await;
    for (_, stocks) in &mut engines {
        for stock in stocks {
            stock.open().await;
        }
    }
    rounds(arguments, &mut engines).await;
    for (measured, stocks) in &mut engines {
        println!("{}: all that is due", measured.kind.title());
        measured.drained = stocks.last_mut().unwrap().drain(arguments.due[2]).await;
        for stock in stocks {
            stock.close().await;
        }
    }
    let measured: Vec<Measured> = engines.into_iter().map(|(measured, _)| measured).collect();
    report::passes(&measured) + &report::stored(&measured, most)
}

/// The databases of each engine, the engines at the same time.
async fn fill(arguments: &Arguments, folder: &Path) -> Vec<(Kind, Vec<Stock>)> {
    let (begun, now) = (Instant::now(), SystemClock.now());
    let filling = Kind::ALL.map(|kind| {
        let (folder, sizes) = (folder.to_owned(), arguments.stored.clone());
        tokio::spawn(async move {
            let mut stocks = Vec::new();
            for stored in sizes {
                stocks.push(Stock::new(kind, &folder, stored, now).await);
            }
            println!("{}: filled after {:?}", kind.title(), begun.elapsed());
            (kind, stocks)
        })
    });
    let mut filled = Vec::new();
    for task in filling {
        filled.push(task.await.unwrap());
    }
    filled
}

async fn starts(arguments: &Arguments, folder: &Path, engines: &mut [(Measured, Vec<Stock>)]) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    for round in 0..=arguments.rounds {
        for (measured, stocks) in &mut *engines {
            let recipe = Recipe::new(&stocks.last().unwrap().home, folder, &sandbox, "", "");
            let gateway = recipe.start();
            println!("{}: ready after {:?}", measured.kind.title(), gateway.ready_after);
            // The first one warms the kernel's cache.
            if round > 0 {
                measured.starts.push((gateway.ready_after, gateway.rss_mb()));
            }
            gateway.stop();
        }
    }
    sandbox.stop().await;
}

async fn rounds(arguments: &Arguments, engines: &mut [(Measured, Vec<Stock>)]) {
    let (few, some, many) = (arguments.due[0], arguments.due[1], arguments.due[2]);
    let most = *arguments.stored.last().unwrap();
    let mut cases: Vec<Case> =
        arguments.stored.iter().map(|stored| Case { stored: *stored, due: some, claims: true }).collect();
    cases.push(Case { stored: most, due: few, claims: true });
    cases.push(Case { stored: most, due: many, claims: false });
    for (measured, _) in &mut *engines {
        measured.cases = cases.iter().map(|case| (*case, Vec::new())).collect();
    }
    for round in 0..=arguments.rounds {
        for place in 0..cases.len() {
            for (measured, stocks) in &mut *engines {
                let (case, passes) = &mut measured.cases[place];
                let stock = stocks.iter_mut().find(|stock| stock.stored == case.stored).unwrap();
                let pass = if case.claims { stock.pass(case.due).await } else { stock.look(case.due).await };
                // The first one warms caches and connections.
                if round > 0 {
                    passes.push(pass);
                }
            }
        }
        println!("passes: round {round} of {}", arguments.rounds);
    }
}

async fn refreshing(arguments: &Arguments, folder: &Path) -> (String, bool) {
    let length = Duration::from_secs(arguments.seconds);
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let bench = sustained::Bench::new(kind, folder, arguments.refreshed, SystemClock.now()).await;
        all.push((bench, Vec::new()));
    }
    for _ in 0..arguments.long_rounds {
        for (bench, rounds) in &mut all {
            let round = bench.round(length).await;
            println!("{}: {:.0} refreshes/s", bench.kind.title(), round.per_second);
            rounds.push(round);
        }
    }
    let mut found = Vec::new();
    for (bench, rounds) in all {
        found.push((bench.kind, rounds, bench.standing().await));
    }
    let right = found.iter().all(|(_, _, standing)| standing.is_right());
    (report::sustained(&found, length), right)
}

fn day(arguments: &Arguments) -> (String, bool) {
    let spec = Spec { people: arguments.people, active: arguments.active, hours: 24 };
    let begun = Instant::now();
    let mut simulation = Simulation::new(spec);
    simulation.run();
    let text = report::simulation(spec, &mut simulation.tally, begun.elapsed());
    (text, simulation.tally.is_right())
}

/// `SplitMix64`: numbers that look random and are the same in every run.
const fn scramble(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
