//! One person of the simulated day: what differs between their grants. Everything about them follows from their number, so
//! that each run has the same people.

use cardkey::domain::clock::Timestamp;
use cardkey::domain::grant::{GrantFacts, GrantStatus, GrantVersion};
use cardkey::domain::ids::{AppId, GrantId, Subject, SubjectId};
use cardkey::domain::scopes::ScopeSet;

use crate::platform::ACCESS_LIFE;
use crate::scramble;

/// What is kept of a grant; the rest of its facts is the same for all.
pub(super) struct Person {
    pub(super) generation: i64,
    pub(super) obtained_at: Timestamp,
    pub(super) refresh_ends: Timestamp,
    pub(super) used_at: Option<Timestamp>,
    /// As stored: when it is found due, and when it would be too late.
    pub(super) due: (Timestamp, Timestamp),
    pub(super) claimed: bool,
}

impl Person {
    /// Makes the facts theirs.
    pub(super) fn describe(&self, number: usize, facts: &mut GrantFacts) {
        facts.id = id(number);
        facts.version.generation = self.generation;
        facts.obtained_at = self.obtained_at;
        facts.access_expires_at = self.obtained_at.plus(ACCESS_LIFE);
        facts.refresh_expires_at = Some(self.refresh_ends);
        facts.used_at = self.used_at;
    }
}

/// Facts to be made somebody's.
pub(super) fn template(now: Timestamp) -> GrantFacts {
    GrantFacts {
        id: id(0),
        subject: Subject { app: AppId::parse("cli_a").unwrap(), id: SubjectId::parse("ou_a").unwrap() },
        tenant: None,
        name: None,
        version: GrantVersion { consent_no: 1, generation: 1 },
        status: GrantStatus::Active,
        scopes: ScopeSet::default(),
        obtained_at: now,
        access_expires_at: now,
        refresh_expires_at: None,
        refreshable: true,
        used_at: None,
        identity_due_at: None,
        info_at: None,
    }
}

/// The grant of a person.
pub(super) fn id(number: usize) -> GrantId {
    GrantId::parse(&format!("g{number}")).unwrap()
}

/// A share between 0 and 1 that looks random and is the same in every run.
pub(super) fn part(number: usize, salt: u64) -> f64 {
    let mixed = scramble(scramble(number as u64) ^ salt);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
