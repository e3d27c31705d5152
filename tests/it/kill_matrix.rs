//! The kill matrix: real binaries, killed with SIGKILL at each crash point of the refresh protocol (C0 to C14), on each
//! database, on platforms that treat a spent refresh token in each way that platforms do; and then either started again or
//! never, while another process on the same database takes over.
//!
//! Of each cell it is known from the protocol whether a pair may have been lost with the process; where none may, the person
//! must not be asked. The sandbox's judge says from outside how often each token was sent and what was lost.
//!
//! Built only with the feature `failpoints`; run by `make test-long`, which keeps the tables as `docs/reports/kill-matrix.md`.
//! The variable `KILL_MATRIX` names a part to run, such as `postgres another,c5,strict`; a part is printed and not kept.

mod beside;
mod cell;
mod endings;
mod failover;
mod findings;
mod modes;
mod points;
mod report;
mod seats;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::{FutureExt as _, StreamExt as _};

use beside::{Beside, ENGINES, ROWS};
use cell::Cell;
use failover::Standby;
use findings::Finding;
use modes::MODES;
use points::POINTS;
use seats::{Pace, SEATS};

/// Worlds at a time: they mostly wait.
const AT_A_TIME: usize = 12;

/// Those that wait for the real timers wait longer and work less.
const AT_A_TIME_WHEN_SLOW: usize = 20;

/// What was found of every cell, by its name.
type Found = BTreeMap<String, Finding>;

type Running = Pin<Box<dyn Future<Output = (String, Finding)>>>;

/// Whether this is to be run: everything, unless the environment names a part.
fn is_wanted(name: &str) -> bool {
    part().is_none_or(|part| part.split(',').all(|word| format!(" {name} ").contains(&format!(" {word} "))))
}

#[expect(clippy::disallowed_methods, reason = "for whoever works on a part of the matrix")]
fn part() -> Option<String> {
    std::env::var("KILL_MATRIX").ok()
}

/// The cells in the scaled times.
fn scaled() -> Vec<Cell> {
    let cells = SEATS.iter().flat_map(|seat| {
        POINTS.iter().flat_map(|point| MODES.iter().map(|mode| Cell { seat: *seat, point, mode, pace: Pace::Scaled }))
    });
    cells.collect()
}

/// The cells in the real times: where the lease matters, on a strict platform.
fn unscaled() -> Vec<Cell> {
    let cells = SEATS.iter().flat_map(|seat| {
        let points = POINTS.iter().filter(|point| point.needs_the_lease);
        points.map(|point| Cell { seat: *seat, point, mode: &MODES[0], pace: Pace::Real })
    });
    cells.collect()
}

/// One thing to run.
enum Part {
    Cell(Cell),
    Beside(Beside),
    Failover(Standby),
}

impl Part {
    fn name(&self) -> String {
        match self {
            Self::Cell(cell) => cell.name(),
            Self::Beside(beside) => beside.name(),
            Self::Failover(standby) => standby.name(),
        }
    }

    async fn run(self) -> Finding {
        match self {
            Self::Cell(cell) => cell.run().await,
            Self::Beside(beside) => beside.run().await,
            Self::Failover(standby) => standby.run().await,
        }
    }
}

/// What is no cell of the matrix.
fn others() -> impl Iterator<Item = Part> {
    let rows = ROWS.iter().flat_map(|row| ENGINES.map(|database| Part::Beside(Beside { row, database })));
    Standby::ALL.map(Part::Failover).into_iter().chain(rows)
}

#[expect(clippy::print_stdout, reason = "whoever waits sees how far it is")]
async fn run(parts: impl Iterator<Item = Part>, at_a_time: usize) -> Found {
    let wanted = parts.filter(|part| is_wanted(&part.name()));
    let runs = wanted.map(|part| -> Running {
        Box::pin(async move {
            let name = part.name();
            // One that panics must not hide what the others show.
            let run = AssertUnwindSafe(part.run()).catch_unwind().await;
            let finding = run.unwrap_or_else(|_| Finding::broken());
            println!("{name}: {finding}");
            (name, finding)
        })
    });
    futures_util::stream::iter(runs).buffer_unordered(at_a_time).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make test-long"]
async fn the_kill_matrix() {
    let mut found = run(unscaled().into_iter().map(Part::Cell), AT_A_TIME_WHEN_SLOW).await;
    found.extend(run(others().chain(scaled().into_iter().map(Part::Cell)), AT_A_TIME).await);
    if part().is_none() {
        report::write(&found);
    }
    let wrong: Vec<_> = found.iter().filter(|(_, finding)| !finding.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
