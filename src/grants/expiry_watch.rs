//! Refresh tokens that near their end (D5, R-LARK-39): told of once a day each, however many replicas look.
//!
//! A grant that is refreshed as planned is never near its end, used or not: the policies keep all alive. So whatever is told of
//! here has not been refreshed for a good part of its life: the app may not refresh, the platform fails, this gateway was
//! switched off. All of that is for whoever runs the gateway, in the log and as a metric. The person can do something about
//! none of it, but a new consent may come through where refreshing does not, and being asked before the end is better
//! than after it; so they are asked too, from *critical* on, if the setting says so. The app's own tokens need no watch:
//! they are fetched when they are needed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Grants;
use crate::domain::clock::Timestamp;
use crate::domain::expiry::Nearness;
use crate::domain::grant::GrantFacts;
use crate::domain::ids::{AppId, GrantId};
use crate::store::StoreError;

const DAY: Duration = Duration::from_hours(24);

/// What was told of within a day, and by when it will be told of again if nothing changes: the metric's days are theirs.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<GrantId, (AppId, Timestamp, Timestamp)>>);

impl Grants {
    /// Tells of the refresh tokens that near their end; of how many.
    pub async fn run_expiry_watch(&self, now: Timestamp) -> Result<usize, StoreError> {
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        let mut told = 0;
        loop {
            let due = self.0.store.expiries_due(&apps, now).await?;
            for facts in &due {
                told += usize::from(self.tell_of_the_end(facts, now).await?);
            }
            if due.is_empty() {
                break;
            }
        }
        self.show_days(&apps, now);
        Ok(told)
    }

    async fn tell_of_the_end(&self, facts: &GrantFacts, now: Timestamp) -> Result<bool, StoreError> {
        let (Some(nearness), Some(end)) = (Nearness::of(facts, now), facts.refresh_expires_at) else {
            self.0.store.claim_expiry(facts, None, false, now).await?;
            return Ok(false);
        };
        let over = nearness == Nearness::Expired;
        let ask = self.0.asks_before_expiry && nearness != Nearness::Warning;
        let next = (!over).then(|| now.plus(DAY));
        if !self.0.store.claim_expiry(facts, next, ask, now).await? {
            return Ok(false);
        }
        let (app, level, days) = (&facts.subject.app, nearness.as_str(), days_left(end, now));
        self.0.metrics.expiry_told(app.as_str(), level);
        if nearness == Nearness::Warning {
            tracing::warn!(%app, grant = %facts.id, subject = %facts.subject, level, days, "a refresh token nears its end");
        } else {
            tracing::error!(%app, grant = %facts.id, subject = %facts.subject, level, days, "a refresh token nears its end");
        }
        if ask {
            self.0.died.notify_one();
        }
        self.0.told.note(facts, end, now.plus(DAY + DAY));
        Ok(true)
    }

    fn show_days(&self, apps: &[AppId], now: Timestamp) {
        let earliest = self.0.told.earliest(now);
        for app in apps {
            let days = earliest.get(app).map(|end| days_left(*end, now));
            self.0.metrics.days_to_expiry(app.as_str(), days);
        }
    }
}

/// Whole days, none when it is over.
fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    i64::try_from(end.since(now).as_secs() / DAY.as_secs()).unwrap_or(i64::MAX)
}

impl Told {
    fn note(&self, facts: &GrantFacts, end: Timestamp, until: Timestamp) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(facts.id.clone(), (facts.subject.app.clone(), end, until));
    }

    /// The earliest end of each app, of what was told of lately.
    fn earliest(&self, now: Timestamp) -> HashMap<AppId, Timestamp> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, (_, _, until)| *until > now);
        let mut earliest: HashMap<AppId, Timestamp> = HashMap::new();
        for (app, end, _) in told.values() {
            earliest.entry(app.clone()).and_modify(|known| *known = (*known).min(*end)).or_insert(*end);
        }
        earliest
    }
}
