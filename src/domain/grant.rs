//! A grant: what a completed auth session leaves. One per subject; its id is stable.

use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{GrantId, Subject, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};

/// Which pair of tokens of a grant is meant. A new consent raises the consent number; every stored pair raises the
/// generation by one. Writers compare both, so that a late answer never overwrites a newer pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantVersion {
    /// Which consent of the person this is, from 1.
    pub consent_no: i64,
    /// Which pair of tokens this is, from 1; never falls.
    pub generation: i64,
}

/// Whether the grant can still give tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantStatus {
    /// It can be used and refreshed.
    Active,
    /// The platform refuses to refresh it: the person has to consent again.
    NeedsConsent,
}

/// Why a grant gives no token for the time being, although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// The platform stopped the app.
    App,
    /// The platform suspended the person's account.
    Person,
}

/// A grant with its tokens opened.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What is public about it.
    pub facts: GrantFacts,
    /// The access token.
    pub access: Secret,
    /// The refresh token, if there is one.
    pub refresh: Option<Secret>,
}

impl Grant {
    /// Whether its pair was another person's and has been taken out of it.
    #[must_use]
    pub fn is_emptied(&self) -> bool {
        self.access.expose().is_empty()
    }
}

/// What may be shown about a grant.
#[derive(Debug, Clone)]
pub struct GrantFacts {
    /// The stable id.
    pub id: GrantId,
    /// Whose it is.
    pub subject: Subject,
    /// The person's organisation.
    pub tenant: Option<TenantKey>,
    /// The person's name as the platform gave it.
    pub name: Option<String>,
    /// Consent number and generation.
    pub version: GrantVersion,
    /// Usable or not.
    pub status: GrantStatus,
    /// What the person granted.
    pub scopes: ScopeSet,
    /// When the access token was obtained.
    pub obtained_at: Timestamp,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// Whether there is a refresh token at all.
    pub refreshable: bool,
    /// When the platform last said what the person is called.
    pub info_at: Option<Timestamp>,
    /// When a caller was given a token of it; kept once per pair, see [`Self::is_used`].
    pub used_at: Option<Timestamp>,
    /// When the platform is to be asked next whose the pair is: [`NEVER_ASKED`] at first, nothing once that is known.
    pub identity_due_at: Option<Timestamp>,
}

/// A pair of tokens that was checked to be the asked person's and is about to be stored.
#[derive(Debug, Clone)]
pub struct VerifiedTokens {
    /// What the platform answered.
    pub answer: TokenAnswer,
    /// Whose they are; equal to the subject that was asked.
    pub identity: Identity,
}

impl GrantFacts {
    /// Whether the access token still lives for `min_ttl` at `now`.
    #[must_use]
    pub fn lives_for(&self, now: Timestamp, min_ttl: Duration) -> bool {
        self.access_expires_at > now.plus(min_ttl)
    }

    /// Whether a caller was given a token of the present pair.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.used_at.is_some_and(|used| used >= self.obtained_at)
    }

    /// Whether the pair must not be given out before the platform was asked whose it is.
    #[must_use]
    pub fn is_unidentified(&self, now: Timestamp) -> bool {
        self.identity_due_at.is_some_and(|due| due <= now) && self.lives_for(now, Duration::ZERO)
    }

    /// Whether it is time to refresh: the used fraction of the life has reached `threshold` (0.5 … 0.98), or less
    /// than five minutes are left of a life longer than ten (requirement C-9).
    #[must_use]
    pub fn is_due(&self, now: Timestamp, threshold: f64) -> bool {
        now >= self.refresh_due_at(threshold)
    }

    /// When [`Self::is_due`] starts to hold.
    #[must_use]
    pub fn refresh_due_at(&self, threshold: f64) -> Timestamp {
        let life = self.access_expires_at.since(self.obtained_at);
        let by_share = self.obtained_at.plus(life.mul_f64(threshold.clamp(0.5, 0.98)));
        let margin = LATEST_REFRESH_MARGIN.min(life / 2);
        by_share.min(self.access_expires_at.minus(margin))
    }
}

/// Before all times, whatever the clock of the process that reads it says.
pub const NEVER_ASKED: Timestamp = Timestamp::from_micros(0);

/// A refresh is never later than this before the end of the access token's life.
pub const LATEST_REFRESH_MARGIN: Duration = Duration::from_mins(5);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::ids::{AppId, SubjectId};

    pub(in crate::domain) fn facts(life: i64) -> GrantFacts {
        GrantFacts {
            id: GrantId::parse("g").unwrap(),
            subject: Subject { app: AppId::parse("a").unwrap(), id: SubjectId::parse("s").unwrap() },
            tenant: None,
            name: None,
            version: GrantVersion { consent_no: 1, generation: 1 },
            status: GrantStatus::Active,
            scopes: ScopeSet::default(),
            obtained_at: Timestamp::from_secs(0),
            access_expires_at: Timestamp::from_secs(life),
            refresh_expires_at: None,
            refreshable: true,
            info_at: None,
            used_at: None,
            identity_due_at: None,
        }
    }

    #[test]
    fn is_due_when_the_threshold_of_its_life_is_used() {
        assert!(!facts(7200).is_due(Timestamp::from_secs(5759), 0.8));
        assert!(facts(7200).is_due(Timestamp::from_secs(5760), 0.8));
    }

    #[test]
    fn is_due_five_minutes_before_the_end_at_the_latest() {
        assert!(!facts(7200).is_due(Timestamp::from_secs(6899), 0.98));
        assert!(facts(7200).is_due(Timestamp::from_secs(6900), 0.98));
        assert!(!facts(100).is_due(Timestamp::from_secs(49), 0.98), "a short life is not due at once");
        assert!(facts(100).is_due(Timestamp::from_secs(50), 0.98));
    }
}
