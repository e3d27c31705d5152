//! The refresh of one grant's pair of tokens, as a pure state machine: an event in, the next effect out.
//!
//! A refresh token may be used once. The protocol ("prepare, issue, commit") therefore writes down that a token is about to
//! be spent before the first byte leaves, sends it once, and saves what comes by compare-and-set on (grant, generation):
//!
//! ```text
//! Claim ──won──▶ Send ──pair──▶ Save ──stored──▶ done
//!   │ busy: Wait   │ denied ──▶ Recall ──nothing set aside──▶ MarkDenied ──▶ done
//!   │ newer: done  │ unclear, not sent ──▶ Release ──▶ done
//!   └ too late: Release          Save ──overtaken──▶ Quarantine ──▶ done;  ──store away──▶ Wait, Spool, Save …
//! ```
//!
//! What the machine must not know: tokens (whoever drives it holds them), the store, the platform, the wall clock. `now` is a
//! reading of a clock that never steps and goes on while the machine is suspended; only differences are used.
//!
//! Invariants, by the names that the tests use: no send without a claim (I3); no send when so much of the lease is used that
//! the answer could come after its end (I2, the *deadline gate*); a pair that came is never dropped, it ends in the row, the
//! spool or the quarantine (I4); a denial ends the generation that was sent and no other (I11); what is not known to be a
//! denial is *unclear* and tried again, with pauses ([`Timers::pause`], I19).

mod timers;

use std::time::Duration;

use crate::domain::platform_code::PlatformCode;

pub use timers::Timers;

/// The pause between two looks at a grant that somebody else is refreshing, and between two tries to save.
pub const GLANCE: Duration = Duration::from_millis(200);

/// How long somebody else's refresh is waited for.
const OTHERS: Duration = Duration::from_secs(10);

/// A pair that could not be saved for so long is also put into the spool. Whoever drives the machine gives the first tries to
/// save no longer than that: a store that does not answer at all must not keep a pair in memory only.
pub const SPOOL_AFTER: Duration = Duration::from_secs(1);

/// A pair that lies in the spool and could not be saved for so long is left to the spool's replay.
const LEAVE_TO_SPOOL: Duration = Duration::from_mins(1);

/// What happened. Each answers the effect before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Somebody wants the pair refreshed.
    Begin,
    /// The store answered to [`Effect::Claim`].
    Claimed(Claim),
    /// The platform answered to [`Effect::Send`], or did not.
    Answered(Answer),
    /// The store answered to [`Effect::Save`].
    Saved(Saved),
    /// Whether [`Effect::Spool`] wrote the pair to the disk.
    Spooled(bool),
    /// Whether [`Effect::Recall`] put a pair that was set aside into the row.
    Recalled(bool),
    /// The store answered to [`Effect::MarkDenied`]; false: the row had moved on.
    Marked(bool),
    /// [`Effect::Quarantine`] or [`Effect::Release`] is done.
    Noted,
    /// The pause of [`Effect::Wait`] is over.
    Woken,
    /// Instead: somebody else refreshes the grant, and nobody here needs to know what comes of it.
    NotNeeded,
    /// The store gave no answer; what was asked for may have been done or not.
    StoreAway,
}

/// The store's answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The intent is on the disk; this is the `tries`-th send of this generation, from 1.
    Won {
        /// Sends of this generation, this one included.
        tries: u32,
    },
    /// The row holds a newer pair than the one that was found wanting.
    Newer,
    /// Somebody else holds the lease.
    Busy,
    /// A pause after an unclear outcome is not over, or the person or the app is suspended.
    Paused,
    /// The grant cannot be refreshed: it needs a consent, or has no refresh token.
    Dead,
    /// There is no such grant any more.
    Gone,
}

/// What came of the one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A new pair.
    Pair,
    /// No byte of the token left, or the platform says that it did nothing.
    NotSent,
    /// The platform will never take this token again.
    Denied {
        /// What it calls that.
        code: PlatformCode,
    },
    /// The app is at fault, not the person.
    Misconfigured,
    /// Anything else: the token may have been spent.
    Unclear,
}

/// The store's answer to a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Saved {
    /// The pair is in the row.
    Stored,
    /// The row has moved on: a new consent, or another pair of this generation.
    Overtaken,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Write the intent, durably, if nobody else holds the lease.
    Claim,
    /// Send the refresh token, once; nothing on the way may repeat it. Wait for [`Timers::answer`] at most.
    Send,
    /// Write the pair over the generation that was sent.
    Save,
    /// Write the sealed pair to the local spool, durably.
    Spool,
    /// Set the pair aside: the row belongs to another.
    Quarantine,
    /// Look for a pair of this consent that was set aside, and put it into the row.
    Recall,
    /// Note that the generation that was sent needs a consent.
    MarkDenied {
        /// What the platform calls it.
        code: PlatformCode,
    },
    /// Give the lease back; the next try is after `pause` at the earliest.
    Release {
        /// Whether the token may have been spent.
        unclear: bool,
        /// How long nobody tries again.
        pause: Duration,
    },
    /// Wait so long.
    Wait(Duration),
    /// That was it.
    Finish(Outcome),
}

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The row holds a pair newer than the one that was found wanting.
    Refreshed,
    /// The person has to consent again.
    NeedsConsent,
    /// Somebody else is at it, or a pause is not over.
    Busy,
    /// The store or the platform could not be reached in time.
    Unavailable,
    /// The app is set up wrongly.
    Misconfigured,
    /// Not known; it will be tried again.
    Unclear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    New,
    Claiming {
        since: Duration,
        asked_at: Duration,
    },
    Sending {
        tries: u32,
    },
    /// `aside`: not into the row, which belongs to another, but into the quarantine.
    Saving {
        since: Duration,
        spooled: bool,
        aside: bool,
    },
    Recalling {
        code: PlatformCode,
    },
    Marking,
    Closing(Outcome),
    Done,
}

/// One refresh under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refresh {
    timers: Timers,
    phase: Phase,
}

impl Refresh {
    /// A refresh that has not begun.
    #[must_use]
    pub const fn new(timers: Timers) -> Self {
        Self { timers, phase: Phase::New }
    }

    /// The next effect. An event that does not answer the effect before it ends the refresh: it is a mistake of whoever
    /// drives the machine, and nothing more is sent.
    pub fn step(&mut self, event: Event, now: Duration) -> Effect {
        match (self.phase, event) {
            (Phase::New, Event::Begin) => self.claim(now, now),
            (Phase::Claiming { since, .. }, Event::Woken) => self.claim(since, now),
            (Phase::Claiming { .. }, Event::NotNeeded) => self.finish(Outcome::Busy),
            (Phase::Claiming { since, asked_at }, Event::Claimed(claim)) => self.claimed(claim, since, asked_at, now),
            (Phase::Sending { tries }, Event::Answered(answer)) => self.answered(answer, tries, now),
            (Phase::Saving { since, spooled, aside }, event) => self.saving(event, (since, spooled, aside), now),
            (Phase::Recalling { code }, Event::Recalled(false)) => self.mark(code),
            (Phase::Marking, Event::Marked(true)) => self.finish(Outcome::NeedsConsent),
            // The row holds another pair now: the one that was set aside, or one that somebody stored meanwhile.
            (Phase::Recalling { .. }, Event::Recalled(true)) | (Phase::Marking, Event::Marked(false)) => {
                self.finish(Outcome::Refreshed)
            }
            // The lease lapses by itself.
            (Phase::Closing(outcome), Event::Noted | Event::StoreAway) => self.finish(outcome),
            _ => self.finish(Outcome::Unavailable),
        }
    }

    const fn claim(&mut self, since: Duration, now: Duration) -> Effect {
        self.phase = Phase::Claiming { since, asked_at: now };
        Effect::Claim
    }

    fn claimed(&mut self, claim: Claim, since: Duration, asked_at: Duration, now: Duration) -> Effect {
        match claim {
            Claim::Won { tries } if is_in_time(&self.timers, asked_at, now) => {
                self.phase = Phase::Sending { tries };
                Effect::Send
            }
            Claim::Won { .. } => self.release(false, Duration::ZERO, Outcome::Unavailable),
            Claim::Newer => self.finish(Outcome::Refreshed),
            Claim::Busy if now.saturating_sub(since) < OTHERS => Effect::Wait(GLANCE),
            Claim::Busy => self.finish(Outcome::Busy),
            Claim::Paused => self.finish(Outcome::Unclear),
            Claim::Dead | Claim::Gone => self.finish(Outcome::NeedsConsent),
        }
    }

    fn answered(&mut self, answer: Answer, tries: u32, now: Duration) -> Effect {
        match answer {
            Answer::Pair => self.save(now, false, false),
            Answer::NotSent => self.release(false, Duration::ZERO, Outcome::Unavailable),
            Answer::Misconfigured => self.release(false, Duration::ZERO, Outcome::Misconfigured),
            Answer::Unclear => self.release(true, self.timers.pause(tries), Outcome::Unclear),
            Answer::Denied { code } => {
                self.phase = Phase::Recalling { code };
                Effect::Recall
            }
        }
    }

    fn saving(&mut self, event: Event, (since, spooled, aside): (Duration, bool, bool), now: Duration) -> Effect {
        let tried = now.saturating_sub(since);
        match event {
            Event::Saved(Saved::Stored) | Event::Noted => self.finish(Outcome::Refreshed),
            Event::Saved(Saved::Overtaken) => self.save(since, spooled, true),
            Event::StoreAway if spooled && tried >= LEAVE_TO_SPOOL => self.finish(Outcome::Unavailable),
            Event::StoreAway if !spooled && tried >= SPOOL_AFTER => Effect::Spool,
            // The disk may be full as well: the memory is all there is, and it is not given up.
            Event::StoreAway | Event::Spooled(false) => Effect::Wait(GLANCE),
            Event::Spooled(true) => self.save(since, true, aside),
            _ => self.save(since, spooled, aside),
        }
    }

    const fn save(&mut self, since: Duration, spooled: bool, aside: bool) -> Effect {
        self.phase = Phase::Saving { since, spooled, aside };
        if aside { Effect::Quarantine } else { Effect::Save }
    }

    const fn mark(&mut self, code: PlatformCode) -> Effect {
        self.phase = Phase::Marking;
        Effect::MarkDenied { code }
    }

    const fn release(&mut self, unclear: bool, pause: Duration, outcome: Outcome) -> Effect {
        self.phase = Phase::Closing(outcome);
        Effect::Release { unclear, pause }
    }

    const fn finish(&mut self, outcome: Outcome) -> Effect {
        self.phase = Phase::Done;
        Effect::Finish(outcome)
    }
}

/// The deadline gate: whether an answer to what is sent now is there, and saved, before the lease lapses.
#[must_use]
pub fn is_in_time(timers: &Timers, claimed_at: Duration, now: Duration) -> bool {
    now.saturating_sub(claimed_at) < timers.headroom()
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
