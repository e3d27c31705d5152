//! When somebody has to know that a refresh token nears its end (R-LARK-39): a rule over its life, pure.
//!
//! Seven and three days are right for a token that lives for a month. The same share of a shorter life is right for a
//! shorter one: seven days before the end of seven days is its first moment. So told, no grant is told of that is
//! refreshed as planned: an unused one is kept alive after five sevenths of the life (`domain::refresh_plan`), and the
//! watch begins after twenty-three thirtieths.

use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantFacts;

const DAY: Duration = Duration::from_hours(24);

/// The life that the days are meant for, in days.
const LIFE: u32 = 30;

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearness {
    /// Seven days of thirty.
    Warning,
    /// Three days of thirty.
    Critical,
    /// It is over.
    Expired,
}

impl Nearness {
    /// As logs and metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Expired => "expired",
        }
    }

    /// How near the grant's refresh token is to its end, if it is near.
    #[must_use]
    pub fn of(facts: &GrantFacts, now: Timestamp) -> Option<Self> {
        let end = facts.refresh_expires_at.filter(|_| facts.refreshable)?;
        if now >= end {
            return Some(Self::Expired);
        }
        let levels = [(3, Self::Critical), (7, Self::Warning)];
        levels.into_iter().find(|(days, _)| now >= before_the_end(facts, end, *days)).map(|(_, nearness)| nearness)
    }
}

/// When the grant's refresh token begins to be near its end, if it has one that ends.
#[must_use]
pub fn nears_its_end_at(facts: &GrantFacts) -> Option<Timestamp> {
    facts.refresh_expires_at.filter(|_| facts.refreshable).map(|end| before_the_end(facts, end, 7))
}

fn before_the_end(facts: &GrantFacts, end: Timestamp, days: u32) -> Timestamp {
    let life = end.since(facts.obtained_at);
    end.minus((DAY * days).min(life * days / LIFE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refresh_plan::RefreshPlan;

    const HOUR: i64 = 3_600;

    fn facts(days: i64) -> GrantFacts {
        let facts = crate::domain::grant::tests::facts(7_200);
        GrantFacts { refresh_expires_at: Some(Timestamp::from_secs(days * 24 * HOUR)), ..facts }
    }

    fn hours_before_the_end(days: i64, hours: i64) -> Option<Nearness> {
        Nearness::of(&facts(days), Timestamp::from_secs((days * 24 - hours) * HOUR))
    }

    #[test]
    fn a_long_life_is_near_its_end_in_its_last_days() {
        for life in [30, 60, 365] {
            let near = [169, 168, 73, 72, 1, 0, -24].map(|hours| hours_before_the_end(life, hours));
            let (warning, critical, expired) = (Nearness::Warning, Nearness::Critical, Nearness::Expired);
            let wanted =
                [None, Some(warning), Some(warning), Some(critical), Some(critical), Some(expired), Some(expired)];
            assert_eq!(near, wanted, "{life} days");
        }
    }

    #[test]
    fn a_short_life_is_near_its_end_in_the_same_share_of_it() {
        let near = [40, 39, 17, 16, 0].map(|hours| hours_before_the_end(7, hours));
        let (warning, critical, expired) = (Nearness::Warning, Nearness::Critical, Nearness::Expired);
        assert_eq!(near, [None, Some(warning), Some(warning), Some(critical), Some(expired)]);
    }

    #[test]
    fn what_has_no_end_is_not_near_it() {
        let endless = GrantFacts { refresh_expires_at: None, ..facts(7) };
        let bare = GrantFacts { refreshable: false, ..facts(7) };
        assert_eq!((nears_its_end_at(&endless), nears_its_end_at(&bare)), (None, None));
        assert_eq!(Nearness::of(&endless, Timestamp::from_secs(i64::from(u32::MAX))), None);
    }

    #[test]
    fn what_is_kept_alive_as_planned_is_never_told_of() {
        for days in [7, 14, 30, 90, 365] {
            let due = RefreshPlan::default().next(&facts(days)).unwrap().at;
            assert!(due < nears_its_end_at(&facts(days)).unwrap(), "{days} days");
        }
    }
}
