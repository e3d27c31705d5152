//! The use case "give a token": look it up, refresh it on demand, list and end grants.
//!
//! Who may have what was checked by the caller of this module; whether the grant holds the scopes is checked here, on
//! each call. A refresh is detached from whoever waits for it and saved before it is handed out. Platforms spend a
//! refresh token at most once: within this process one refresh per grant is under way ([`single_flight`]), among several the
//! store's claim decides ([`refresher`]); how many at a time, and who first, is [`admission`]'s; what nobody asks for is
//! [`scheduler`]'s; what is made of a platform that is away [`reach`]'s; what the database could not take is [`spooling`]'s;
//! whose a new pair is [`identities`]'s; what people are called [`user_info`]'s.

mod admission;
mod changes;
mod expiry_watch;
mod identities;
mod outcomes;
mod parts;
mod reach;
mod refresher;
mod revoke;
mod scheduler;
mod single_flight;
mod spooling;
mod user_info;
mod wanted;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::grant::{Grant, GrantFacts, GrantStatus, GrantVersion, Suspension};
use crate::domain::hint::Tell;
use crate::domain::ids::{AppId, AttemptId, GrantId, Subject, SubjectId};
use crate::domain::random::Random;
use crate::domain::rate_limit::Limit;
use crate::domain::refresh::Timers;
use crate::domain::scopes::ScopeSet;
use crate::metrics::Metrics;
use crate::platform::Asking;
use crate::store::{Refreshed, Store, StoreError};

pub use outcomes::RefreshError;
pub use parts::{Parts, Settings};
pub use revoke::RevokeError;

use admission::{Gate, Queue};
use reach::Reach;
use single_flight::SingleFlight;
use wanted::Wanted;

/// How long a caller without a usable token waits for its refresh; the refresh itself goes on.
const CALLER_PATIENCE: Duration = Duration::from_secs(10);

/// A pair younger than this is not refreshed for a caller that wants a longer life: it is as long as lives get.
const JUST_REFRESHED: Duration = Duration::from_mins(1);

/// The use case. Clones share everything.
#[derive(Clone)]
pub struct Grants(Arc<Inner>);

struct Inner {
    store: Store,
    apps: HashMap<AppId, Arc<Asking>>,
    refresh_threshold: f64,
    timers: Timers,
    in_flight: usize,
    journal_life: Duration,
    dead_life: Option<Duration>,
    look_ups: Limit,
    spool: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Metrics,
    tracker: TaskTracker,
    flights: SingleFlight,
    /// The questions under way of whose a pair is.
    checks: SingleFlight,
    told: expiry_watch::Told,
    asks_before_expiry: bool,
    queues: HashMap<AppId, Arc<Queue>>,
    paused: Mutex<HashMap<AppId, Timestamp>>,
    reach: Reach,
    landed: Arc<Notify>,
    /// How many files of the spool did not open when it was last read.
    unreadable: AtomicUsize,
    /// This start of this process, as claims name it.
    owner: String,
    died: Arc<Notify>,
    healed: Arc<Notify>,
    tell: Tell,
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
    /// The platform has suspended the person or the app: neither is a token given, nor is the person asked.
    Suspended(Suspension),
}

impl Grants {
    /// The use case over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, apps, settings, clock, random, metrics, tracker, soft, died, healed, tell } = parts;
        let queue = |app: &AppId| (app.clone(), Arc::new(Queue::new(app.clone())));
        let queues: HashMap<AppId, Arc<Queue>> = apps.keys().map(queue).collect();
        let permits = Arc::new(Semaphore::new(settings.in_flight));
        for queue in queues.values() {
            let queue = Arc::clone(queue);
            let (clock, soft) = (Arc::clone(&clock), soft.clone());
            let gate = Gate { store: store.clone(), clock, limit: settings.limit, soft };
            let permits = Arc::clone(&permits);
            tracker.spawn(async move { queue.run(gate, permits).await });
        }
        Self(Arc::new(Inner {
            owner: AttemptId::generate(clock.now(), &*random).to_string(),
            store,
            apps,
            refresh_threshold: settings.threshold,
            timers: settings.timers,
            in_flight: settings.in_flight,
            journal_life: settings.journal_life,
            dead_life: settings.dead_life,
            look_ups: settings.limit,
            spool: settings.spool,
            clock,
            random,
            metrics,
            tracker,
            flights: SingleFlight::default(),
            checks: SingleFlight::default(),
            told: expiry_watch::Told::default(),
            asks_before_expiry: settings.asks_before_expiry,
            queues,
            paused: Mutex::default(),
            reach: Reach::default(),
            landed: Arc::default(),
            unreadable: AtomicUsize::new(0),
            died,
            healed,
            tell,
        }))
    }

    /// Refreshes that wait or are under way in this process.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.flights.len()
    }

    /// Another process may have refreshed this grant: if its pair is waited for here, it is looked for now.
    pub fn hear(&self, id: &GrantId) {
        self.0.flights.hasten(id);
    }

    /// Wakes the job that starts what is due: a refresh has landed, and there is room.
    #[must_use]
    pub fn refresh_nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.0.landed)
    }

    /// A token of the person for these scopes that lives for `min_ttl`, or what stands in the way.
    pub async fn lookup(&self, subject: &Subject, scopes: &ScopeSet, min_ttl: Duration) -> Result<Lookup, StoreError> {
        let (grant, suspension) = tokio::try_join!(self.0.store.grant(subject), self.0.store.suspension(subject))?;
        if let Some(suspension) = suspension {
            return Ok(Lookup::Suspended(suspension));
        }
        let Some(grant) = grant else { return Ok(Lookup::Ask { found: None }) };
        let Some(grant) = self.known(grant).await? else { return Ok(Lookup::Ask { found: None }) };
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
                drop(self.refresh_detached(Wanted::ahead(&grant.facts, grant.facts.access_expires_at)));
            }
            self.note_used(&grant, now);
            return Ok(Lookup::Token { grant: Box::new(grant), stale: false });
        }
        self.refreshed(grant, scopes).await
    }

    async fn refreshed(&self, grant: Grant, scopes: &ScopeSet) -> Result<Lookup, StoreError> {
        let wanted = Wanted::now(&grant.facts, self.0.clock.now().plus(CALLER_PATIENCE));
        let outcome = tokio::time::timeout(CALLER_PATIENCE, self.refresh_detached(wanted)).await;
        let error = match outcome.unwrap_or(Err(RefreshError::Unavailable)) {
            Ok(()) => {
                let fresh = self.0.store.grant(&grant.facts.subject).await?;
                let Some(fresh) = fresh else { return Ok(Lookup::Ask { found: None }) };
                let Some(fresh) = self.known(fresh).await? else { return Ok(Lookup::Ask { found: None }) };
                if fresh.is_emptied() {
                    return Ok(stale_or_ask(grant, self.0.clock.now()));
                }
                // The grant may have died or lost scopes meanwhile.
                let lives = fresh.facts.lives_for(self.0.clock.now(), Duration::ZERO);
                let (usable, ask) = (lives && fresh.facts.scopes.covers(scopes), ask_for_more_than(&fresh));
                self.note_used(&fresh, self.0.clock.now());
                let token = Lookup::Token { grant: Box::new(fresh), stale: false };
                return Ok(if usable { token } else { ask });
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

    /// Notes, once per pair and behind the caller's back, that the grant is used: its next pair is fetched ahead.
    fn note_used(&self, grant: &Grant, now: Timestamp) {
        if grant.facts.is_used() {
            return;
        }
        let (this, grant) = (self.clone(), grant.clone());
        self.0.tracker.spawn(async move {
            if let Err(error) = this.0.store.note_used(&grant, now).await {
                tracing::warn!(grant = %grant.facts.id, %error, "the use of a grant could not be noted; the next one will");
            }
        });
    }

    /// A pair is stored. If the grant was dead until then, what its person is asked may be needless.
    fn noted(&self, Refreshed { grant, healed }: Refreshed) -> Grant {
        if healed {
            tracing::info!(target: "audit", grant = %grant.facts.id, "a grant that had died is well again: its pair came late");
            self.0.healed.notify_one();
        }
        grant
    }

    /// What may be shown of the grants under these apps, and whether each is suspended.
    pub async fn list(
        &self,
        apps: &BTreeSet<AppId>,
        app: Option<&AppId>,
        subject: Option<&SubjectId>,
        after: Option<&GrantId>,
        limit: u64,
    ) -> Result<Vec<(GrantFacts, bool)>, StoreError> {
        let found = self.0.store.list_grants(apps, app, subject, after, limit).await?;
        let people: Vec<&Subject> = found.iter().map(|facts| &facts.subject).collect();
        let suspended = self.0.store.suspended(&people).await?;
        Ok(found.into_iter().zip(suspended).collect())
    }
}

/// For want of a new pair: a token that does not live as long as was asked for is better than none.
fn stale_or_ask(grant: Grant, now: Timestamp) -> Lookup {
    let ask = ask_for_more_than(&grant);
    if grant.facts.lives_for(now, Duration::ZERO) { Lookup::Token { grant: Box::new(grant), stale: true } } else { ask }
}

const fn ask_for_more_than(grant: &Grant) -> Lookup {
    Lookup::Ask { found: Some(grant.facts.version) }
}
