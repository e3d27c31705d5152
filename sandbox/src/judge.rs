//! The judge of refreshes: says from the log alone whether the clients of the token endpoint kept to the rules of a token that may
//! be used once, and what they have lost through no fault of theirs.
//!
//! It knows no client and no platform, only [`RefreshLog`]. It finds:
//!
//! - *double sends*: a token came again although the client had the definite answer of an earlier time, whole;
//! - *overlapping sends*: a token came while an earlier request with it was still under way;
//! - *losses*: a rotation whose answer reached nobody, and whose successor was therefore never used;
//! - the refresh tokens that are alive, for each app and person;
//! - the most requests in any second and minute of each app, and those that came before the time stated by a refusal.
//!
//! What it cannot know is whether a client died with the whole answer in its hands. A test that kills clients compares the times
//! of a double send with that of the kill; every send is in the verdict with its times.

mod chains;
mod limits;
mod verdict;

use std::collections::HashMap;

pub use self::verdict::{
    AppVerdict, ChainVerdict, EarlySend, Loss, PersonVerdict, SendVerdict, TokenState, TokenVerdict, Totals, Verdict,
};
use crate::world::State;
use crate::world::people::PersonId;
use crate::world::refresh_log::{Issued, RefreshLog};

/// What is judged: the log as it was at a moment, and how the apps call the people in it.
pub struct Case {
    log: RefreshLog,
    open_ids: HashMap<(usize, PersonId), String>,
    now_ms: i64,
}

impl Case {
    /// The log of this world. The judging itself needs the world no longer.
    #[must_use]
    pub fn of(state: &State, now_ms: i64) -> Self {
        let log = state.tokens.log().clone();
        let mut open_ids = HashMap::new();
        for issued in log.issued() {
            let name = || state.people.get(issued.person).open_id_for(log.app(issued.app));
            open_ids.entry((issued.app, issued.person)).or_insert_with(name);
        }
        Self { log, open_ids, now_ms }
    }

    fn open_id(&self, issued: &Issued) -> String {
        self.open_ids.get(&(issued.app, issued.person)).cloned().unwrap_or_default()
    }

    /// Judges.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let chains = chains::judge(self);
        let apps = limits::judge(&self.log);
        let people = chains::people(self);
        Verdict { now_ms: self.now_ms, totals: Totals::of(&self.log, &chains, &apps), apps, chains, people }
    }
}
