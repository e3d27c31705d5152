//! What a judge needs to know of refresh tokens, in the order in which it happened: what was issued, what was sent and how it
//! was answered, what ended. Fingerprints, never tokens; the platform decides nothing by it.
//!
//! One counter (`tick`) orders everything, since many things happen within a millisecond and a test may stop the clock.
//! Nothing is thrown away unless the control API asks for it: a judge that forgets is none.

use std::collections::HashMap;

use serde::Serialize;

use super::people::PersonId;
use crate::random::Print;

/// What an answer of the token endpoint says about the token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Here are the successors.
    Rotated,
    /// The token is dead: invalid, expired, revoked or used.
    Denied,
    /// The person may have no token, for now or for ever.
    Person,
    /// Something is wrong with the app.
    App,
    /// Too many requests.
    Limited,
    /// Something is wrong with the request.
    Refused,
    /// The platform failed.
    Failed,
    /// It is no answer of the token endpoint.
    Garbled,
}

/// A refresh token that was issued.
#[derive(Clone, Copy, Debug)]
pub struct Issued {
    /// The token.
    pub token: Print,
    /// The chain that one consent began.
    pub chain: u64,
    /// How many of the chain came before it.
    pub generation: u32,
    /// The app, by [`RefreshLog::app`].
    pub app: usize,
    /// The person.
    pub person: PersonId,
    /// When it dies by itself (ms).
    pub expires_ms: i64,
}

/// How a refresh token ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was used.
    Used,
    /// It was revoked.
    Revoked,
}

/// What the platform did with a request.
#[derive(Clone, Copy, Debug)]
pub struct Acted {
    /// When (ms).
    pub at_ms: i64,
    /// In a word.
    pub word: Word,
    /// The refresh token it answered with.
    pub issued: Option<Print>,
}

/// What the client was told, which a fault may have put in the place of what the platform did.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// When the answer was made (ms).
    pub at_ms: i64,
    /// In a word.
    pub word: Word,
    /// After how many seconds the client may come again, where the answer said so.
    pub reset_s: Option<i64>,
    /// Whether it is the platform's own answer and not a fault's.
    pub own: bool,
}

/// How the answer went out.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// When, in the order of everything.
    pub tick: u64,
    /// Whether every byte of it was written.
    pub whole: bool,
}

/// A request to the token endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When, in the order of everything.
    pub tick: u64,
    /// When (ms).
    pub at_ms: i64,
    /// The app that asked, by [`RefreshLog::app`].
    pub app: usize,
    /// The refresh token sent; absent for the other grant types.
    pub token: Option<Print>,
    /// What the platform did; absent if it did nothing.
    pub acted: Option<Acted>,
    /// What the client was told; absent if it was told nothing, or bytes of a fault's making.
    pub told: Option<Told>,
    /// How the answer went out; absent while it is under way.
    pub settled: Option<Settled>,
    /// Whether the platform is done with it.
    pub finished: bool,
}

impl Sent {
    /// Whether the client knows what became of its token: nothing is gained by sending it again.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        let final_word = |told: Told| matches!(told.word, Word::Rotated | Word::Denied);
        self.told.is_some_and(final_word) && self.settled.is_some_and(|settled| settled.whole)
    }

    /// Whether anything of it is still to come.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        !self.finished || self.settled.is_none()
    }
}

/// The log.
#[derive(Clone, Default)]
pub struct RefreshLog {
    apps: Vec<String>,
    issued: Vec<Issued>,
    fates: Vec<(Print, Fate)>,
    sent: Vec<Sent>,
    forgotten: usize,
    tick: u64,
    generations: HashMap<u64, u32>,
}

impl RefreshLog {
    /// The id of an app.
    #[must_use]
    pub fn app(&self, app: usize) -> &str {
        self.apps.get(app).map_or("", String::as_str)
    }

    /// Every refresh token issued, oldest first.
    #[must_use]
    pub fn issued(&self) -> &[Issued] {
        &self.issued
    }

    /// Every refresh token that ended otherwise than by its time, in that order.
    #[must_use]
    pub fn fates(&self) -> &[(Print, Fate)] {
        &self.fates
    }

    /// Every request that is not forgotten, in the order they came.
    #[must_use]
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Whether no request is under way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.sent.iter().any(Sent::is_under_way)
    }

    /// Forgets the requests; which tokens there are and were stays known.
    pub fn forget(&mut self) {
        self.forgotten += self.sent.len();
        self.sent.clear();
    }

    /// A refresh token was issued.
    pub fn issue(&mut self, app_id: &str, person: PersonId, chain: u64, token: Print, expires_ms: i64) {
        let next = self.generations.entry(chain).or_default();
        let generation = *next;
        *next += 1;
        let app = self.app_number(app_id);
        self.issued.push(Issued { token, chain, generation, app, person, expires_ms });
    }

    /// A refresh token ended.
    pub fn end(&mut self, token: Print, fate: Fate) {
        self.fates.push((token, fate));
    }

    /// The refresh token of this fingerprint was revoked.
    pub fn revoked(&mut self, fingerprint: &str) {
        if let Some(token) = Print::parse(fingerprint) {
            self.end(token, Fate::Revoked);
        }
    }

    /// A request arrived. Returns its number.
    pub fn send(&mut self, app_id: &str, token: Option<Print>, at_ms: i64) -> usize {
        let (tick, app) = (self.next_tick(), self.app_number(app_id));
        let sent = Sent { tick, at_ms, app, token, acted: None, told: None, settled: None, finished: false };
        self.sent.push(sent);
        self.forgotten + self.sent.len() - 1
    }

    /// The platform did its work.
    pub fn act(&mut self, number: usize, acted: Acted) {
        self.change(number, |sent| sent.acted = Some(acted));
    }

    /// The platform, or the fault in its place, is done and has made this answer.
    pub fn finish(&mut self, number: usize, told: Option<Told>) {
        self.change(number, |sent| {
            sent.told = told;
            sent.finished = true;
        });
    }

    /// The answer went out, whole or not.
    pub fn settle(&mut self, number: usize, whole: bool) {
        let settled = Settled { tick: self.next_tick(), whole };
        self.change(number, |sent| sent.settled = Some(settled));
    }

    fn change(&mut self, number: usize, change: impl FnOnce(&mut Sent)) {
        let at = number.checked_sub(self.forgotten);
        if let Some(sent) = at.and_then(|at| self.sent.get_mut(at)) {
            change(sent);
        }
    }

    fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    fn app_number(&mut self, app_id: &str) -> usize {
        let known = self.apps.iter().position(|known| known == app_id);
        known.unwrap_or_else(|| {
            self.apps.push(app_id.to_owned());
            self.apps.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_not_mixed_up_with_what_comes_after() {
        let mut log = RefreshLog::default();
        let first = log.send("app", None, 1);
        log.forget();
        let second = log.send("app", None, 2);
        log.settle(first, true);
        assert!(log.sent()[0].settled.is_none());
        log.settle(second, false);
        log.finish(second, None);
        assert!(log.is_quiet() && !log.sent()[0].is_definite());
    }
}
