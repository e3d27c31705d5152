//! The report: docs/reports/bench-refresh.md.

use std::process::Command;
use std::time::Duration;

use crate::databases::Kind;
use crate::figures::{grouped, head, middle, ms, row, spread};
use crate::passes::{Pass, ROOM};
use crate::simulation::Spec;
use crate::sustained::{self, Round, Standing};
use crate::tally::Tally;

/// What was measured of one engine's databases.
pub(crate) struct Measured {
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    pub(crate) plan: String,
    pub(crate) starts: Vec<(Duration, f64)>,
    /// Of each case its rounds.
    pub(crate) cases: Vec<(Case, Vec<Pass>)>,
    pub(crate) drained: Vec<Pass>,
}

/// So many due of so many stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) stored: usize,
    pub(crate) due: i64,
    /// Whether what is found is claimed, too.
    pub(crate) claims: bool,
}

/// The text before the tables.
pub(crate) fn opening(rounds: usize) -> String {
    let cpu = file_value("/proc/cpuinfo", "model name");
    let memory = file_value("/proc/meminfo", "MemTotal");
    format!(
        "# What refreshing costs\n\n\
         Written by `make bench-refresh`; what is measured and how is in `bench/README.md`.\n\n\
         {date}, commit {commit}; {cpu}, {cores} cores, {memory} of memory, Linux {kernel}. PostgreSQL and MariaDB run on the \
         same machine with 1 GB of buffers each and wait for the disk at every commit, as SQLite does (`synchronous=FULL`). \
         Rounds are interleaved over engines and cases; figures are medians of {rounds} rounds, in brackets the \
         interquartile range, NOISY if it is more than 15 %.\n",
        date = says("date", &["-u", "+%F"]),
        commit = says("git", &["describe", "--always", "--dirty"]),
        cores = std::thread::available_parallelism().unwrap(),
        kernel = says("uname", &["-r"]),
    )
}

fn file_value(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim()).to_owned()
}

fn says(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The passes.
pub(crate) fn passes(all: &[Measured]) -> String {
    let mut text = format!(
        "\n## A pass of the scheduler\n\n\
         *Find* is both queries of a pass (what is urgent, what is due), for at most {ROOM} grants, the most that the \
         product allows in flight. *Claim* is the durable claim of each grant found, with its journal entry, 64 at a time: \
         all of a pass but the sending. With more due than a pass starts, passes follow each other. Ratios are of the same \
         round, to the first line of the engine.\n\n"
    );
    let titles = ["engine", "stored", "due", "found", "find ms", "× find", "claim ms", "µs per claim"];
    text += &head(&titles);
    for measured in all {
        let first: Vec<f64> = measured.cases[0].1.iter().map(|pass| ms(pass.find)).collect();
        for (case, rounds) in &measured.cases {
            let ratios = rounds.iter().zip(&first).map(|(pass, first)| ms(pass.find) / first);
            text += &row(&case_cells(measured.kind, *case, rounds, middle(ratios).0));
        }
    }
    text += "\nAll that is due, in passes one after the other, once:\n\n";
    text += &head(&["engine", "due", "passes", "seconds", "find ms of a pass", "µs per grant"]);
    for measured in all {
        text += &row(&drained_cells(measured));
    }
    text
}

fn case_cells(kind: Kind, case: Case, rounds: &[Pass], ratio: f64) -> Vec<String> {
    let claims = |unit: &dyn Fn(&Pass) -> f64, digits| {
        if case.claims { spread(rounds.iter().map(unit), digits) } else { "–".to_owned() }
    };
    vec![
        kind.title().to_owned(),
        grouped(case.stored as u64),
        grouped(case.due.unsigned_abs()),
        grouped(rounds[0].found as u64),
        spread(rounds.iter().map(|pass| ms(pass.find)), 2),
        format!("{ratio:.2}"),
        claims(&|pass| ms(pass.claim), 1),
        claims(&|pass| ms(pass.claim) * 1e3 / pass.found as f64, 0),
    ]
}

fn drained_cells(measured: &Measured) -> Vec<String> {
    let passes = &measured.drained;
    let seconds: f64 = passes.iter().map(|pass| (pass.find + pass.claim).as_secs_f64()).sum();
    let grants: usize = passes.iter().map(|pass| pass.found).sum();
    vec![
        measured.kind.title().to_owned(),
        grouped(grants as u64),
        grouped(passes.len() as u64),
        format!("{seconds:.1}"),
        spread(passes.iter().map(|pass| ms(pass.find)), 2),
        format!("{:.0}", seconds * 1e6 / grants as f64),
    ]
}

/// What the databases say of their plans, sizes and starts, of the largest.
pub(crate) fn stored(all: &[Measured], stored: usize) -> String {
    let mut text = format!("\nHow the databases say that they find what is due of {}:\n\n", grouped(stored as u64));
    for measured in all {
        text += measured.kind.title();
        text += ":\n\n```\n";
        text += &measured.plan;
        text += "\n```\n\n";
    }
    text += "## Size, and starting with it\n\nAccess tokens of 1,000 bytes, refresh tokens of 600, sealed; indexes included. \
             From the start of the process until `/readyz` says 200 (database open, event stream connected), and the memory \
             it has then; the file's pages are in the kernel's cache. The goal is one second.\n\n";
    text += &head(&["engine", "grants", "bytes per grant", "ready after ms", "slowest", "RSS MB"]);
    for measured in all {
        let starts = &measured.starts;
        let slowest = starts.iter().map(|(ready, _)| *ready).max().unwrap_or_default();
        text += &row(&[
            measured.kind.title().to_owned(),
            grouped(stored as u64),
            grouped(measured.bytes / stored as u64),
            spread(starts.iter().map(|(ready, _)| ms(*ready)), 0),
            format!("{:.0}", ms(slowest)),
            format!("{:.1}", middle(starts.iter().map(|(_, rss)| *rss)).0),
        ]);
    }
    text
}

/// The sustained refreshes.
pub(crate) fn sustained(all: &[(Kind, Vec<Round>, Standing)], length: Duration) -> String {
    let mut text = format!(
        "\n## Refreshes per second\n\nThe release binary against the sandbox, which runs on the same machine as do the database \
         servers and shares its cores with them; {} s each, `{}`: with these, the budget lets 1,555 a second pass. The judge's \
         figures are of the whole run, starts and stops included.\n\n",
        length.as_secs(),
        sustained::SETTINGS.replace('\n', "`, `"),
    );
    text += &head(&[
        "engine",
        "grants",
        "refreshes/s",
        "gateway's CPU s per 1,000",
        "RSS MB",
        "refreshed in all",
        "lost",
        "sent twice",
        "denied",
        "stored token is not the living one",
    ]);
    for (kind, rounds, standing) in all {
        let totals = &standing.totals;
        text += &row(&[
            kind.title().to_owned(),
            grouped(standing.people as u64),
            spread(rounds.iter().map(|round| round.per_second), 0),
            spread(rounds.iter().map(|round| round.cpu_seconds), 2),
            format!("{:.0}", middle(rounds.iter().map(|round| round.rss_mb)).0),
            grouped(totals.rotations as u64),
            totals.lost.to_string(),
            (totals.double_sends + totals.overlapping_sends).to_string(),
            totals.denied.to_string(),
            standing.stale.to_string(),
        ]);
    }
    text
}

/// The simulated day.
pub(crate) fn simulation(spec: Spec, tally: &mut Tally, took: Duration) -> String {
    let hours = |time: Duration| format!("{:.1} h", time.as_secs_f64() / 3600.0);
    let (median, p99) = (tally.wait(50), tally.wait(99));
    let lines = [
        ("calls for a token", grouped(tally.calls())),
        ("a call's wait for a refresh, p50 and p99 (0; I14)", format!("{median:?}, {p99:?}")),
        ("calls that found the access token ended (0)", grouped(tally.expired_in_use)),
        ("refreshes sent", grouped(tally.refreshes)),
        ("of these of idle grants, to keep them alive", grouped(tally.keep_alives)),
        ("refused by the platform's limit (0; I17)", grouped(tally.limited)),
        (
            "most in any second (50), in any minute (1,000)",
            format!("{}, {}", tally.platform.in_a_second, tally.platform.in_a_minute),
        ),
        ("lost (0)", grouped(tally.lost)),
        (
            "least that was left of an idle grant's refresh token when it was refreshed (24 h; I30)",
            hours(tally.least_left_of_idle),
        ),
        ("least that is left of any refresh token at the end", hours(tally.least_left_at_the_end)),
        ("the longest that anything was due before it was sent", hours(tally.most_late)),
    ];
    let mut text = format!(
        "\n## A day of a million people at one limit\n\n{} people, {} of whom are used every 30 minutes, {} hours of \
         virtual time; access tokens of 2 h, refresh tokens of 7 days, a limit of 50 a second and 1,000 a minute, \
         defaults otherwise ({:.0} s to compute). In brackets what must come out.\n\n\
         Real, the very functions of the product: when a grant is due and until when, what the budget gives, who goes \
         first, whether a token lives, is due or is used. Simulated: the platform (strict: sliding windows, single use, \
         ends of life), callers, the order that the two queries for what is due give, the loops of scheduler and \
         admission written anew after the product's, the 0.3 s of a refresh. There is no database, no fault and one \
         process: for these are the kill matrix and the tests.\n\n",
        grouped(spec.people as u64),
        grouped(spec.active as u64),
        spec.hours,
        took.as_secs_f64(),
    );
    text += &head(&["", "result"]);
    for (what, result) in lines {
        text += &row(&[what.to_owned(), result]);
    }
    text
}
