//! The report: what happened in the storms, as `docs/reports/two-gateways.md`.

use std::fmt::Write as _;

use cardkey_engines::Engine;
use cardkey_sandbox::judge::Verdict;

use super::diary::Entries;
use super::findings::Findings;
use super::plan::Plan;

const INTRODUCTION: &str = "# Two gateways in a storm\n\nMade by `make test-long` (`tests/it/storm.rs`): two processes of the \
    real binary share one database server and refresh the\ngrants of many people, while the platform and the database fail at \
    random, callers ask for tokens, people consent anew and\ntake their consents back, and the gateways are killed with SIGKILL \
    or stopped in turn. The sandbox's judge has the log of\nevery request to the token endpoint; after the storm it is compared \
    with what the database holds. The same seed draws the\nsame faults.\n";

/// The whole report.
pub(super) fn whole(parts: &[String]) -> String {
    format!("{INTRODUCTION}{}", parts.concat())
}

/// One storm.
pub(super) fn part(plan: &Plan, verdict: &Verdict, diary: &Entries, found: &Findings) -> String {
    let engine = match plan.engine {
        Engine::Postgres => "PostgreSQL",
        Engine::MariaDb => "MariaDB",
    };
    let (timers, totals) = (&plan.timers, &verdict.totals);
    let mut text = format!(
        "\n## {engine}\n\nSeed {}. {} people, {} s of faults. An access token lives {} s and is refreshed at half of it; an answer \
         is waited\nfor {} s, a lease lasts {} s; {} refreshes in flight in each process, {} a second and {} a minute together.\n\n",
        plan.seed,
        plan.people,
        plan.length.as_secs(),
        plan.life_s,
        timers.answer.as_secs_f64(),
        timers.lease.as_secs_f64(),
        plan.in_flight,
        plan.per_second,
        plan.per_minute,
    );
    text.push_str("| done to them | times |\n|---|---|\n");
    for (what, times) in &diary.counts {
        writeln!(text, "| {what} | {times} |").unwrap();
    }
    text.push_str("\n| seen from the platform | |\n|---|---|\n");
    let app = verdict.apps.first();
    let rows = [
        ("refreshes sent", totals.sends),
        ("tokens rotated", totals.rotations),
        ("most sends in a second", app.map_or(0, |app| app.most_sends_in_1s)),
        ("most sends in a minute", app.map_or(0, |app| app.most_sends_in_60s)),
        ("refused with a time to wait", totals.limited),
        ("sent before that time: on their way, or the other gateway's", app.map_or(0, |app| app.early_sends.len())),
        ("pairs lost: rotated, and no client had the answer", totals.lost),
        ("pairs lost: died in the memory of a killed process", found.died_in_hand),
        ("of these at one kill, at most", found.most_at_a_kill),
        ("sends after the answer to an earlier one, or beside it, when its lease had lapsed", found.after_a_lapse),
        ("sends of a process that was stopped between its last look at the lease and the send", found.resumed),
        (
            "tokens found spent while the gateway that had the next one was stopped, or could not save it; it saved it later",
            found.slept_over,
        ),
        ("people with a card that asks again", found.asked),
        ("grants at the end that are active, their token the platform's", found.active),
        ("grants at the end that need a consent", found.needs_consent),
    ];
    for (what, number) in rows {
        writeln!(text, "| {what} | {number} |").unwrap();
    }
    let sends: Vec<_> = found.by_sends.iter().map(|(times, tokens)| format!("{times}: {tokens}")).collect();
    writeln!(text, "| tokens by how often they were sent | {} |", sends.join(", ")).unwrap();
    let verdict = if found.wrong.is_empty() {
        "No double send, no lost grant but those above, and what is stored is what is alive."
    } else {
        "**Broken rules**: the test failed."
    };
    writeln!(text, "\n{verdict}").unwrap();
    for wrong in found.wrong.iter().take(20) {
        writeln!(text, "- {}", wrong.chars().take(300).collect::<String>()).unwrap();
    }
    text
}
