//! What the judge says, as told to tests: by serde over the control API, as values in process.

use std::collections::HashSet;

use serde::Serialize;

use crate::random::Print;
use crate::world::refresh_log::{RefreshLog, Word};

/// All that the log gives.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// When the log was read (ms).
    pub now_ms: i64,
    /// Everything counted together.
    pub totals: Totals,
    /// Each app that asked.
    pub apps: Vec<AppVerdict>,
    /// Each chain, in the order they began.
    pub chains: Vec<ChainVerdict>,
    /// Each app and person that ever had a refresh token.
    pub people: Vec<PersonVerdict>,
}

impl Verdict {
    /// The refresh tokens of a person that are alive at an app, by the app's id of the person; the newest last.
    #[must_use]
    pub fn live(&self, app_id: &str, open_id: &str) -> &[Print] {
        let found = self.people.iter().find(|person| person.app_id == app_id && person.open_id == open_id);
        found.map_or(&[], |person| &person.live)
    }
}

/// Counts over the whole log. Sends are requests with a refresh token.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Requests to the token endpoint, whatever the grant type.
    pub requests: usize,
    /// Requests with a refresh token.
    pub sends: usize,
    /// Different refresh tokens that were sent.
    pub tokens_sent: usize,
    /// Sends of what never was a refresh token.
    pub unknown_sends: usize,
    /// Requests of which something is still to come. While there are any, the rest may change.
    pub under_way: usize,
    /// Rotations: refresh tokens that were issued for another one.
    pub rotations: usize,
    /// Rotations whose answer reached nobody.
    pub lost: usize,
    /// Sends after the definite answer to an earlier one.
    pub double_sends: usize,
    /// Sends while an earlier one was under way.
    pub overlapping_sends: usize,
    /// Sends to which the platform said that the token is dead.
    pub denied: usize,
    /// Requests that were told to come later.
    pub limited: usize,
    /// Requests that came before the time they had been told.
    pub early: usize,
}

impl Totals {
    pub(super) fn of(log: &RefreshLog, chains: &[ChainVerdict], apps: &[AppVerdict]) -> Self {
        let tokens: HashSet<Print> = log.sent().iter().filter_map(|sent| sent.token).collect();
        let known: HashSet<Print> = log.issued().iter().map(|issued| issued.token).collect();
        let refreshes = || log.sent().iter().filter(|sent| sent.token.is_some());
        let sum = |count: fn(&ChainVerdict) -> usize| chains.iter().map(count).sum();
        let denied = refreshes().filter(|sent| sent.acted.is_some_and(|acted| acted.word == Word::Denied));
        Self {
            requests: log.sent().len(),
            sends: refreshes().count(),
            tokens_sent: tokens.len(),
            unknown_sends: refreshes().filter(|sent| sent.token.is_some_and(|token| !known.contains(&token))).count(),
            under_way: log.sent().iter().filter(|sent| sent.is_under_way()).count(),
            rotations: sum(|chain| chain.rotations),
            lost: sum(|chain| chain.lost.len()),
            double_sends: sum(|chain| chain.tokens.iter().map(|token| token.double_sends).sum()),
            overlapping_sends: sum(|chain| chain.tokens.iter().map(|token| token.overlapping_sends).sum()),
            denied: denied.count(),
            limited: apps.iter().map(|app| app.limited).sum(),
            early: apps.iter().map(|app| app.early).sum(),
        }
    }
}

/// How an app kept to the limits.
#[derive(Clone, Debug, Serialize)]
pub struct AppVerdict {
    /// The app.
    pub app_id: String,
    /// The most requests within any second, whatever the grant type.
    pub most_in_1s: usize,
    /// The most requests within any minute, whatever the grant type.
    pub most_in_60s: usize,
    /// The most sends of refresh tokens within any second.
    pub most_sends_in_1s: usize,
    /// The most sends of refresh tokens within any minute.
    pub most_sends_in_60s: usize,
    /// Requests that were told to come later.
    pub limited: usize,
    /// Requests that came before the time told to an earlier one.
    pub early: usize,
    /// Those of them that sent a refresh token.
    pub early_sends: Vec<EarlySend>,
}

/// A send before the time that a refusal had told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EarlySend {
    /// When it came (ms).
    pub at_ms: i64,
    /// How long after the refusal (ms): what was on its way already comes at once.
    pub after_ms: i64,
}

/// What is alive of a person's at an app.
#[derive(Clone, Debug, Serialize)]
pub struct PersonVerdict {
    /// The app.
    pub app_id: String,
    /// The person, by the app's own id.
    pub open_id: String,
    /// The refresh tokens that would be accepted, the newest last. Every consent has one of its own.
    pub live: Vec<Print>,
}

/// One chain: what one consent began.
#[derive(Clone, Debug, Serialize)]
pub struct ChainVerdict {
    /// Its number.
    pub chain: u64,
    /// The app.
    pub app_id: String,
    /// The person, by the app's own id.
    pub open_id: String,
    /// The refresh token that is alive.
    pub live: Option<Print>,
    /// How many refresh tokens were issued for another one.
    pub rotations: usize,
    /// Rotations whose answer reached nobody.
    pub lost: Vec<Loss>,
    /// Every refresh token of the chain, oldest first.
    pub tokens: Vec<TokenVerdict>,
}

impl ChainVerdict {
    /// Whether there is anything to say about it.
    #[must_use]
    pub fn is_remarkable(&self) -> bool {
        let odd = |token: &TokenVerdict| token.double_sends + token.overlapping_sends > 0;
        !self.lost.is_empty() || self.tokens.iter().any(odd)
    }
}

/// A rotation whose answer reached nobody.
#[derive(Clone, Debug, Serialize)]
pub struct Loss {
    /// When the platform rotated (ms).
    pub at_ms: i64,
    /// The token that was spent.
    pub spent: Print,
    /// The token that nobody has.
    pub successor: Print,
    /// Whether another answer was put in the place of this one, or it was not written out whole.
    pub replaced: bool,
}

/// Where a refresh token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It would be accepted.
    Live,
    /// It was used.
    Used,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

/// One refresh token.
#[derive(Clone, Debug, Serialize)]
pub struct TokenVerdict {
    /// The token.
    pub token: Print,
    /// How many of the chain came before it.
    pub generation: u32,
    /// Where it is.
    pub state: TokenState,
    /// Sends after the definite answer to an earlier one.
    pub double_sends: usize,
    /// Sends while an earlier one was under way.
    pub overlapping_sends: usize,
    /// Every send.
    pub sends: Vec<SendVerdict>,
}

/// One send of a refresh token.
#[derive(Clone, Debug, Serialize)]
pub struct SendVerdict {
    /// When it came (ms).
    pub at_ms: i64,
    /// What the platform did; absent if it did nothing.
    pub outcome: Option<Word>,
    /// The token that was issued for it, whether or not anybody has it.
    pub successor: Option<Print>,
    /// What the client was told; absent if nothing that can be read.
    pub told: Option<Word>,
    /// Whether every byte of the answer was written; absent while that is not known.
    pub written: Option<bool>,
    /// When the answer was made (ms).
    pub answered_ms: Option<i64>,
    /// Whether the client had the definite answer to an earlier send.
    pub double: bool,
    /// Whether an earlier send was under way.
    pub overlapping: bool,
}
