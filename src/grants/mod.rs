//! The use case "give a token": look it up, refresh it on demand, list and end grants.
//!
//! Who may have what was checked by the caller of this module; whether the grant holds the scopes is checked here, on
//! each call. A refresh is detached from whoever waits for it and saved before it is handed out. Platforms spend a
//! refresh token at most once: within this process one refresh per grant is under way.

mod refresher;
mod revoke;
mod single_flight;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::domain::clock::Clock;
use crate::domain::grant::{Grant, GrantFacts, GrantStatus, GrantVersion};
use crate::domain::ids::{AppId, GrantId, Subject, SubjectId};
use crate::domain::scopes::ScopeSet;
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::store::{Store, StoreError};

pub use refresher::RefreshError;
pub use revoke::RevokeError;

use single_flight::SingleFlight;

/// How long a caller without a usable token waits for its refresh; the refresh itself goes on.
const CALLER_PATIENCE: Duration = Duration::from_secs(10);

/// A pair younger than this is not refreshed for a caller that wants a longer life: it is as long as lives get.
const JUST_REFRESHED: Duration = Duration::from_mins(1);

/// The use case. Clones share everything.
#[derive(Clone)]
pub struct Grants(Arc<Inner>);

struct Inner {
    store: Store,
    apps: HashMap<AppId, Arc<Platform>>,
    refresh_threshold: f64,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    tracker: TaskTracker,
    flights: SingleFlight,
}

/// What everything here is made of.
pub struct Parts {
    /// The truth.
    pub store: Store,
    /// The apps' platforms.
    pub apps: HashMap<AppId, Arc<Platform>>,
    /// The used fraction of a life at which a token is refreshed.
    pub refresh_threshold: f64,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is spawned.
    pub tracker: TaskTracker,
}

/// What a look-up found.
#[derive(Debug)]
pub enum Lookup {
    /// A token that lives. `stale`: it was due for a refresh that did not work.
    Token {
        /// The grant with its tokens.
        grant: Box<Grant>,
        /// Whether its refresh failed.
        stale: bool,
    },
    /// The person has to be asked.
    Ask {
        /// The grant that was found wanting; asking is right while it has not changed.
        found: Option<GrantVersion>,
    },
    /// There is a grant, but no token can be had from it now.
    NotNow(RefreshError),
}

impl Grants {
    /// The use case over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, apps, refresh_threshold, clock, metrics, tracker } = parts;
        Self(Arc::new(Inner {
            store,
            apps,
            refresh_threshold,
            clock,
            metrics,
            tracker,
            flights: SingleFlight::default(),
        }))
    }

    /// A token of the person for these scopes that lives for `min_ttl`, or what stands in the way.
    pub async fn lookup(&self, subject: &Subject, scopes: &ScopeSet, min_ttl: Duration) -> Result<Lookup, StoreError> {
        let Some(grant) = self.0.store.grant(subject).await? else { return Ok(Lookup::Ask { found: None }) };
        if !grant.facts.scopes.covers(scopes) {
            return Ok(ask_for_more_than(&grant));
        }
        let now = self.0.clock.now();
        let young = now < grant.facts.obtained_at.plus(JUST_REFRESHED);
        let wanted = if young { Duration::ZERO } else { min_ttl };
        let lives = grant.facts.lives_for(now, wanted);
        if grant.facts.status == GrantStatus::NeedsConsent || !grant.facts.refreshable {
            let ask = ask_for_more_than(&grant);
            let found = Lookup::Token { stale: grant.facts.refreshable, grant: Box::new(grant) };
            return Ok(if lives { found } else { ask });
        }
        if lives {
            if grant.facts.is_due(now, self.0.refresh_threshold) {
                drop(self.refresh_detached(&grant.facts));
            }
            return Ok(Lookup::Token { grant: Box::new(grant), stale: false });
        }
        self.refreshed(grant, scopes).await
    }

    async fn refreshed(&self, grant: Grant, scopes: &ScopeSet) -> Result<Lookup, StoreError> {
        let outcome = tokio::time::timeout(CALLER_PATIENCE, self.refresh_detached(&grant.facts)).await;
        let error = match outcome.unwrap_or(Err(RefreshError::Unavailable)) {
            Ok(()) => {
                let Some(fresh) = self.0.store.grant(&grant.facts.subject).await? else {
                    return Ok(Lookup::Ask { found: None });
                };
                let (covered, ask) = (fresh.facts.scopes.covers(scopes), ask_for_more_than(&fresh));
                let token = Lookup::Token { grant: Box::new(fresh), stale: false };
                return Ok(if covered { token } else { ask });
            }
            Err(error) => error,
        };
        // A token that does not live as long as was asked for is better than none.
        if grant.facts.lives_for(self.0.clock.now(), Duration::ZERO) {
            return Ok(Lookup::Token { grant: Box::new(grant), stale: true });
        }
        Ok(match error {
            RefreshError::NeedsConsent => ask_for_more_than(&grant),
            error => Lookup::NotNow(error),
        })
    }

    /// What may be shown of the grants under these apps.
    pub async fn list(
        &self,
        apps: &BTreeSet<AppId>,
        app: Option<&AppId>,
        subject: Option<&SubjectId>,
        after: Option<&GrantId>,
        limit: u64,
    ) -> Result<Vec<GrantFacts>, StoreError> {
        self.0.store.list_grants(apps, app, subject, after, limit).await
    }
}

const fn ask_for_more_than(grant: &Grant) -> Lookup {
    Lookup::Ask { found: Some(grant.facts.version) }
}
