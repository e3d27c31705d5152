//! What is found of a cell, judged from outside: by how the grant stands, by the cards that were sent, and by the sandbox's
//! judge, who has only seen what came to the token endpoint.

use std::fmt;

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::judge::{SendVerdict, TokenVerdict, Verdict};

use super::cell::Cell;
use super::points::Way;
use super::seats::Then;
use crate::harness::World;

/// Sends of one token: of the process that dies, of one that meets a fault, and the one that brings the outcome.
const MOST_SENDS: usize = 3;

/// The scheduler's period: what is due is found within it.
const SWEEP_MS: i64 = 1_000;

/// Within this after a loss was found out, the person's card is there.
const REASK_MS: i64 = 60_000;

/// What a loaded machine may add to the bound on finding a loss.
const LOAD_MS: i64 = 30_000;

/// The word for what does not occur.
pub(super) const ABSENT: &str = "–";

/// What a cell showed.
#[derive(Debug)]
pub(super) struct Finding {
    /// For the table.
    pub(super) word: String,
    /// What is wrong with it.
    pub(super) wrong: Vec<String>,
    /// From the loss to its being found out (ms).
    pub(super) detected_ms: Option<i64>,
    /// From there to the card (ms).
    pub(super) carded_ms: Option<i64>,
}

impl Finding {
    /// Of what does not occur.
    pub(super) fn none() -> Self {
        Self::of(ABSENT)
    }

    /// Of what panicked, and has said why.
    pub(super) fn broken() -> Self {
        Self { wrong: vec!["it panicked".to_owned()], ..Self::of("broken") }
    }

    /// In this word, with nothing wrong.
    pub(super) fn of(word: impl Into<String>) -> Self {
        Self { word: word.into(), wrong: Vec::new(), detected_ms: None, carded_ms: None }
    }

    /// In the word for whether the person was asked.
    pub(super) fn ending(asked: bool) -> Self {
        Self::of(if asked { "asked" } else { "kept" })
    }

    /// With the times from a loss to the platform's denial, and from there to the card.
    pub(super) fn timed(self, world: &World, lost_ms: i64, asked: bool) -> Self {
        let verdict = world.sandbox.feishu().judge();
        let denials = tokens(&verdict).flat_map(|token| &token.sends).filter(|send| says(send, "denied"));
        let found = denials.filter_map(|send| send.answered_ms).find(|at| *at >= lost_ms).filter(|_| asked);
        let carded_ms = found.and_then(|found| Some(first_card(world, found)? - found));
        Self { detected_ms: found.map(|found| found - lost_ms), carded_ms, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.word)?;
        if let (Some(detected), Some(carded)) = (self.detected_ms, self.carded_ms) {
            write!(to, ", found out after {detected} ms, asked after {carded} ms more")?;
        }
        self.wrong.iter().try_for_each(|wrong| write!(to, " WRONG: {wrong}"))
    }
}

/// A cell that has ended.
pub(super) struct Case {
    pub(super) cell: Cell,
    /// Whether the person was asked in the end.
    pub(super) asked: bool,
    /// When the process was at its point.
    pub(super) reached_ms: i64,
    /// When it was gone, or went on.
    pub(super) gone_ms: i64,
}

impl Case {
    pub(super) fn judge(&self, world: &World) -> Finding {
        let verdict = world.sandbox.feishu().judge();
        let (found_out, loss) = self.found_out(&verdict).unzip();
        let detected_ms = found_out.zip(loss).map(|(found, lost)| found - lost).filter(|_| self.asked);
        // The sleeper's late pair, dead with its family, heals the row and is denied once more: one card stands for both, if the
        // first has not been taken back in between.
        let asked_since = if self.sleeper_wakes() { first_denial(&verdict) } else { found_out };
        let card = asked_since.and_then(|since| first_card(world, since)).filter(|_| self.asked);
        let carded_ms = card.zip(found_out).map(|(card, found)| (card - found).max(0));
        let mut wrong = self.wrong_ending(&verdict);
        wrong.extend(self.wrong_sends(&verdict));
        wrong.extend(self.wrong_times(detected_ms, carded_ms));
        Finding { wrong, detected_ms, carded_ms, ..Finding::ending(self.asked) }
    }

    /// Whether two may have sent the token by the rules: the first one slept longer than its lease.
    fn sleeper_wakes(&self) -> bool {
        self.cell.point.way == Way::Paused && self.cell.seat.then == Then::Another
    }

    /// Whether the pair must have died with the process.
    fn pair_dies(&self) -> bool {
        self.cell.point.pair_dies && !self.cell.mode.is_graceful()
    }

    fn wrong_ending(&self, verdict: &Verdict) -> Vec<String> {
        let mode = self.cell.mode;
        let family = self.sleeper_wakes() && mode.revokes_families();
        let may_be_asked = self.pair_dies() || mode.loses() || family;
        let lost = |by_the_death: bool| {
            let losses = verdict.chains.iter().flat_map(|chain| &chain.lost);
            losses.filter(|loss| (loss.at_ms <= self.gone_ms) == by_the_death).count()
        };
        let doubles = verdict.totals.double_sends;
        let mut wrong = Vec::new();
        let mut note = |is_so: bool, text: String| wrong.extend(is_so.then_some(text));
        note(self.asked && !may_be_asked, "asked though nothing was lost".to_owned());
        note(!self.asked && self.pair_dies(), "kept though the pair died".to_owned());
        note(
            self.asked && verdict.totals.lost + doubles == 0,
            "asked though the judge knows of no loss (I8)".to_owned(),
        );
        // While the person consents the process lives, and may meet the fault with the new consent's pair.
        let faults = usize::from(mode.loses());
        let early = if self.cell.point.way == Way::Consented { faults } else { 0 };
        note(lost(true) > 1 + early, format!("{} lost by the death of one in flight (I9)", lost(true)));
        note(lost(false) > faults, format!("{} lost after the death (I9)", lost(false)));
        wrong
    }

    fn wrong_sends(&self, verdict: &Verdict) -> Vec<String> {
        let most = tokens(verdict).map(|token| token.sends.len()).max().unwrap_or_default();
        let point = self.cell.point;
        // Whoever died with the whole answer in its hands had a definite one, as far as the judge can see.
        let sleeper = usize::from(self.sleeper_wakes());
        let doubles = usize::from(point.pair_dies && point.way == Way::FailPoint) + sleeper;
        // Whoever takes over may meet the fault, and sends once more.
        let fault = usize::from(self.cell.mode.fault.is_some());
        let doubles = doubles + sleeper * fault;
        // What the platform holds is under way for it, though whoever sent it is gone.
        let overlaps = usize::from(matches!(point.way, Way::Held { .. } | Way::Consented)) * (1 + fault);
        let totals = &verdict.totals;
        let mut wrong = Vec::new();
        let mut note = |is_so: bool, text: String| wrong.extend(is_so.then_some(text));
        note(most > MOST_SENDS, format!("a token was sent {most} times (I19)"));
        note(totals.double_sends > doubles, format!("{} sends after a definite answer (I1)", totals.double_sends));
        note(totals.overlapping_sends > overlaps, format!("{} overlapping sends (I2)", totals.overlapping_sends));
        note(totals.unknown_sends > 0, format!("{} sends of no token at all", totals.unknown_sends));
        if let Some(after) = self.taken_over_after(verdict) {
            let undisturbed = millis(self.cell.pace.undisturbed());
            note(after < undisturbed, format!("sent by another {after} ms after the first, within its lease (I2)"));
        }
        wrong
    }

    /// On a server: how long after the send of the one that died another one sent the same token.
    fn taken_over_after(&self, verdict: &Verdict) -> Option<i64> {
        let applies = self.cell.seat.engine.is_some() && self.cell.point.needs_the_lease;
        let of_the_dead = |send: &&SendVerdict| send.at_ms <= self.reached_ms;
        let pairs = tokens(verdict).filter_map(|token| {
            let before = token.sends.iter().rfind(of_the_dead)?;
            let after = token.sends.iter().find(|send| !of_the_dead(send))?;
            Some(after.at_ms - before.at_ms)
        });
        pairs.min().filter(|_| applies)
    }

    /// When the platform said of a token that it is dead, and since when its successor was lost: since the process stood at its
    /// point, or since another lost it later.
    fn found_out(&self, verdict: &Verdict) -> Option<(i64, i64)> {
        let denials = tokens(verdict).filter_map(|token| {
            let denials = token.sends.iter().filter(|send| says(send, "denied"));
            // What was held for a dead process may be denied when it is let go, long afterwards.
            let found = denials.filter_map(|send| send.answered_ms).min()?;
            let spent = token.sends.iter().filter(|send| says(send, "rotated")).map(|send| send.at_ms).min();
            Some((found, spent.unwrap_or(found).max(self.reached_ms)))
        });
        denials.max()
    }

    fn wrong_times(&self, detected_ms: Option<i64>, carded_ms: Option<i64>) -> Vec<String> {
        let bound = millis(self.cell.pace.lease()) + SWEEP_MS + LOAD_MS;
        let mut wrong = Vec::new();
        if self.asked {
            let late = detected_ms.is_none_or(|after| after > bound);
            wrong.extend(late.then(|| format!("the loss was found out after {detected_ms:?} ms, not within {bound}")));
            let late = carded_ms.is_none_or(|after| after > REASK_MS);
            wrong.extend(late.then(|| format!("the card came after {carded_ms:?} ms, not within {REASK_MS} (I26)")));
        }
        wrong
    }
}

fn tokens(verdict: &Verdict) -> impl Iterator<Item = &TokenVerdict> {
    verdict.chains.iter().flat_map(|chain| &chain.tokens)
}

/// Whether the platform did this with the token, in the judge's word.
fn says(send: &SendVerdict, word: &str) -> bool {
    serde_json::to_value(send.outcome).is_ok_and(|outcome| outcome == word)
}

/// When the platform first said of a token that it is dead.
fn first_denial(verdict: &Verdict) -> Option<i64> {
    let denials = tokens(verdict).flat_map(|token| &token.sends).filter(|send| says(send, "denied"));
    denials.filter_map(|send| send.answered_ms).min()
}

fn first_card(world: &World, since_ms: i64) -> Option<i64> {
    let card = |entry: &Entry| entry.call.api == "messages_create" && entry.at_ms >= since_ms;
    world.sandbox.feishu().journal.read(0, card).first().map(|entry| entry.at_ms)
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}
