//! The report: every cell in a table for each database and each survivor, and what was measured.

use std::fmt::Write as _;

use super::Found;
use super::beside::{Beside, ENGINES, ROWS};
use super::cell::Cell;
use super::failover::Standby;
use super::findings::{ABSENT, Finding};
use super::modes::MODES;
use super::points::POINTS;
use super::seats::{Pace, SEATS, Seat};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reports/kill-matrix.md");

const HEAD: &str = "# The kill matrix

Made by `make test-long` (`tests/it/kill_matrix.rs`): the real binary is killed with SIGKILL at each crash point of the
refresh protocol, in front of a platform that treats a spent refresh token in each of these ways; then it is started
again, or it never is and another process on the same database takes over, by the end of the lease alone. On SQLite only
one process has the file: a new one after the death. Times are scaled to a fiftieth in the same order: an answer is
waited for 1.2 s, saving has 0.2 s, a lease lasts 1.8 s. Below is what the real times gave.

*kept*: the pair was refreshed twice afterwards and nobody was asked. *asked*: the pair had come into being and died
with the process or with the connection; the person has a new card. –: does not occur (no fault, no refusal; no pair, if
its answer was lost). Each cell fails the test if the person is asked where no pair can have been lost, or is not where
it must have been; if more is lost than was in flight; if the platform's own log shows a token sent more than three
times, sent again after a definite answer that reached a living process, or, on a server, sent by another before the
lease of the first had ended; if a loss is not found out within the lease and one sweep, or the card is not there within
60 s. C6 is reached only through a fault. At C12 nobody dies: the process is stopped for longer than its lease and goes
on, on a server after another has sent the same token.
";

/// Writes it.
pub(super) fn write(found: &Found) {
    let mut text = HEAD.to_owned();
    for seat in SEATS {
        table(&mut text, *seat, found);
    }
    unscaled(&mut text, found);
    beside(&mut text, found);
    failover(&mut text, found);
    measured(&mut text, found);
    std::fs::write(FILE, text).unwrap();
}

fn table(text: &mut String, seat: Seat, found: &Found) {
    let names: Vec<_> = MODES.iter().map(|mode| mode.name).collect();
    writeln!(
        text,
        "\n## {}\n\n| point | | {} |\n|---|---|{}",
        seat.title,
        names.join(" | "),
        "---|".repeat(names.len())
    )
    .unwrap();
    for point in POINTS {
        let words = MODES.iter().map(|mode| word(found, Cell { seat, point, mode, pace: Pace::Scaled }));
        let cells: Vec<_> = words.collect();
        writeln!(text, "| {} | {} | {} |", point.name.to_uppercase(), point.words, cells.join(" | ")).unwrap();
    }
}

/// The column in the real times.
fn unscaled(text: &mut String, found: &Found) {
    let titles: Vec<_> = SEATS.iter().map(|seat| seat.title).collect();
    writeln!(
        text,
        "\n## Unscaled\n\nThe settings that the program has by itself (60 s for the answer, 10 s to save it, a lease of 90 s), where \
         the lease\nmatters, on a strict platform.\n\n| point | | {} |\n|---|---|{}",
        titles.join(" | "),
        "---|".repeat(titles.len())
    )
    .unwrap();
    for point in POINTS.iter().filter(|point| point.needs_the_lease) {
        let cells =
            SEATS.iter().map(|seat| word(found, Cell { seat: *seat, point, mode: &MODES[0], pace: Pace::Real }));
        let cells: Vec<_> = cells.collect();
        writeln!(text, "| {} | {} | {} |", point.name.to_uppercase(), point.words, cells.join(" | ")).unwrap();
    }
}

fn word(found: &Found, cell: Cell) -> &str {
    named(found, &cell.name())
}

fn named<'a>(found: &'a Found, name: &str) -> &'a str {
    found.get(name).map_or("?", |finding| &finding.word)
}

/// What is no crash point.
fn beside(text: &mut String, found: &Found) {
    text.push_str(
        "\n## Beside the crash points\n\nOn a strict platform, in the scaled times. All must be kept, and the platform's log may show no lost answer \
         and no token\nsent twice. Only the last row loses, and no more than was in flight (`refresh.in_flight`): as many as were asked had \
         lost\ntheir pair, and nobody else.\n\n| | SQLite | PostgreSQL | MariaDB |\n|---|---|---|---|\n",
    );
    for row in ROWS {
        let words: Vec<_> =
            ENGINES.iter().map(|database| named(found, &Beside { row, database: *database }.name())).collect();
        writeln!(text, "| {} | {} |", row.words, words.join(" | ")).unwrap();
    }
}

/// C13.
fn failover(text: &mut String, found: &Found) {
    text.push_str(
        "\n## C13: the database fails over after the save\n\nTwo PostgreSQL servers; the first dies as soon as the save is acknowledged, \
         and the standby takes its place. One that is\nasynchronous, and has not been sent what came after the intent, holds a token that \
         is spent: this loss is real, it is found\nout by sending that token once more, and the person is asked. A synchronous one \
         loses nothing. SQLite has no standby;\nMariaDB's replication is asynchronous or semi-synchronous and behaves as the \
         first.\n\n| standby | |\n|---|---|\n",
    );
    for standby in Standby::ALL {
        writeln!(text, "| {} | {} |", standby.word(), named(found, &standby.name())).unwrap();
    }
}

/// The longest times of each seat.
fn measured(text: &mut String, found: &Found) {
    text.push_str(
        "\n## Measured\n\nThe longest times in this run: from the moment at which the process stood at its point (or a fault \
         lost\nthe pair, if that came later) to the platform's word that the token is dead, and from there to the person's card.\n\n\
         | | cells | asked | found out after, at most | card after that, at most |\n|---|---|---|---|---|\n",
    );
    for (pace, words) in [(Pace::Scaled, ""), (Pace::Real, ", unscaled")] {
        for seat in SEATS {
            let begins = format!("{} {} ", pace.word(), seat.name);
            let of_it = || found.iter().filter(|(name, _)| name.starts_with(&begins)).map(|(_, finding)| finding);
            let occurring = of_it().filter(|finding| finding.word != ABSENT).count();
            let asked = of_it().filter(|finding| finding.word == "asked").count();
            let most = |read: fn(&Finding) -> Option<i64>| seconds(of_it().filter_map(read).max());
            let (detected, carded) = (most(|finding| finding.detected_ms), most(|finding| finding.carded_ms));
            writeln!(text, "| {}{words} | {occurring} | {asked} | {detected} | {carded} |", seat.title).unwrap();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn seconds(millis: Option<i64>) -> String {
    millis.map_or_else(|| "–".to_owned(), |millis| format!("{:.1} s", millis as f64 / 1_000.0))
}
