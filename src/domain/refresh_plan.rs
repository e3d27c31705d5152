//! When a grant is refreshed by itself: a rule over its facts, pure.
//!
//! Of a million people a few are used at a time. Under [`Policy::Active`] a grant that was used since its pair was obtained
//! is refreshed ahead of the access token's end, so that no caller waits; any other is only kept alive: refreshed once before
//! its refresh token would end. Under [`Policy::Eager`] all are refreshed ahead.
//!
//! Grants that were obtained together must not become due together: each is due a little earlier, by a share of its life that
//! its id and generation give (no randomness, so that a row says the same wherever it is written).

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::grant::{GrantFacts, GrantStatus};
use crate::domain::ids::AppId;

/// Which grants of an app are refreshed ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Those that were used since their pair was obtained.
    Active,
    /// All.
    Eager,
}

/// The rule.
#[derive(Debug, Clone)]
pub struct RefreshPlan {
    threshold: f64,
    eager: BTreeSet<AppId>,
}

/// When to refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// From then on.
    pub at: Timestamp,
    /// It would be too late then: a caller would wait, or the refresh token would have ended.
    pub deadline: Timestamp,
}

/// The share of the refresh token's life after which an unused grant is refreshed: day 5 of 7.
const KEEP_ALIVE: f64 = 5.0 / 7.0;

/// The least that is left of a refresh token's life then, if it lives twice as long (invariant I30).
const LEAST_LEFT: Duration = Duration::from_hours(24);

/// The largest share of a life by which a grant is due earlier than the rule says.
const SPREAD: f64 = 0.05;

impl Default for RefreshPlan {
    fn default() -> Self {
        Self { threshold: 0.8, eager: BTreeSet::new() }
    }
}

impl RefreshPlan {
    /// Refreshes ahead when this share of an access token's life is used (0.5 … 0.98); all grants of the `eager` apps.
    #[must_use]
    pub const fn new(threshold: f64, eager: BTreeSet<AppId>) -> Self {
        Self { threshold, eager }
    }

    /// When this grant is refreshed next; never, if it cannot be.
    #[must_use]
    pub fn next(&self, facts: &GrantFacts) -> Option<Due> {
        if facts.status != GrantStatus::Active || !facts.refreshable {
            return None;
        }
        match facts.refresh_expires_at {
            Some(end) if !self.is_ahead(facts) => Some(keep_alive(facts, end)),
            _ => Some(self.ahead(facts)),
        }
    }

    /// Whether it is refreshed ahead of the access token's end.
    fn is_ahead(&self, facts: &GrantFacts) -> bool {
        facts.is_used() || self.eager.contains(&facts.subject.app)
    }

    fn ahead(&self, facts: &GrantFacts) -> Due {
        let life = facts.access_expires_at.since(facts.obtained_at);
        let at = facts.refresh_due_at(self.threshold).minus(earlier(facts, life));
        Due { at: at.max(facts.obtained_at), deadline: facts.access_expires_at }
    }
}

fn keep_alive(facts: &GrantFacts, end: Timestamp) -> Due {
    let life = end.since(facts.obtained_at);
    let by_share = facts.obtained_at.plus(life.mul_f64(KEEP_ALIVE));
    let latest = if life > LEAST_LEFT * 2 { end.minus(LEAST_LEFT) } else { end };
    let at = by_share.min(latest).minus(earlier(facts, life));
    Due { at: at.max(facts.obtained_at), deadline: end }
}

/// Up to [`SPREAD`] of `life`, spread evenly over grants.
fn earlier(facts: &GrantFacts, life: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (facts.id.as_str(), facts.version.generation).hash(&mut hasher);
    let thousandth = u32::try_from(hasher.finish() % 1_000).unwrap_or(0);
    life.mul_f64(SPREAD * f64::from(thousandth) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grant::GrantVersion;
    use crate::domain::ids::{GrantId, Subject, SubjectId};
    use crate::domain::scopes::ScopeSet;

    const DAY: i64 = 24 * 3600;

    fn facts(id: &str, used: bool) -> GrantFacts {
        GrantFacts {
            id: GrantId::parse(id).unwrap(),
            subject: Subject { app: AppId::parse("a").unwrap(), id: SubjectId::parse("s").unwrap() },
            tenant: None,
            name: None,
            version: GrantVersion { consent_no: 1, generation: 1 },
            status: GrantStatus::Active,
            scopes: ScopeSet::default(),
            obtained_at: Timestamp::from_secs(1_000),
            access_expires_at: Timestamp::from_secs(1_000 + 7_200),
            refresh_expires_at: Some(Timestamp::from_secs(1_000 + 7 * DAY)),
            refreshable: true,
            info_at: None,
            used_at: used.then(|| Timestamp::from_secs(1_001)),
            identity_due_at: None,
        }
    }

    fn due(plan: &RefreshPlan, facts: &GrantFacts) -> (i64, i64) {
        let due = plan.next(facts).unwrap();
        (due.at.as_secs() - 1_000, due.deadline.as_secs() - 1_000)
    }

    #[test]
    fn what_is_used_is_refreshed_ahead_and_what_is_not_is_kept_alive() {
        let plan = RefreshPlan::default();
        for id in (0..500).map(|number| format!("g{number}")) {
            let (at, deadline) = due(&plan, &facts(&id, true));
            assert!((5_400..=5_760).contains(&at) && deadline == 7_200, "{id}: {at}");
            let (at, deadline) = due(&plan, &facts(&id, false));
            assert!((5 * DAY - 31_000..=5 * DAY).contains(&at) && deadline == 7 * DAY, "{id}: {at} (I30)");
        }
    }

    #[test]
    fn eager_apps_are_refreshed_ahead_used_or_not() {
        let eager = RefreshPlan::new(0.8, BTreeSet::from([AppId::parse("a").unwrap()]));
        assert_eq!(due(&eager, &facts("g", false)), due(&RefreshPlan::default(), &facts("g", true)));
    }

    #[test]
    fn grants_of_one_moment_spread() {
        let plan = RefreshPlan::default();
        let times: BTreeSet<i64> = (0..1_000).map(|n| due(&plan, &facts(&format!("g{n}"), true)).0).collect();
        assert!(times.len() > 200, "{} different seconds of 360", times.len());
    }

    #[test]
    fn a_refresh_token_without_a_known_end_is_not_left_to_idle() {
        let unknown = GrantFacts { refresh_expires_at: None, ..facts("g", false) };
        assert_eq!(due(&RefreshPlan::default(), &unknown).1, 7_200);
    }

    #[test]
    fn a_short_lived_refresh_token_is_renewed_in_its_time() {
        let short = GrantFacts { refresh_expires_at: Some(Timestamp::from_secs(1_000 + DAY)), ..facts("g", false) };
        let (at, deadline) = due(&RefreshPlan::default(), &short);
        assert!((DAY * 5 / 7 - DAY / 20 - 1..=DAY * 5 / 7).contains(&at) && deadline == DAY, "{at}");
    }

    #[test]
    fn what_cannot_be_refreshed_is_never_due() {
        let plan = RefreshPlan::default();
        assert_eq!(plan.next(&GrantFacts { status: GrantStatus::NeedsConsent, ..facts("g", true) }), None);
        assert_eq!(plan.next(&GrantFacts { refreshable: false, ..facts("g", true) }), None);
    }
}
