//! The use case "ask a person": open an auth session, put a card into the chat, take the answer, keep the tokens.
//!
//! Knows no platform by name and no HTTP. The store holds the truth; what is kept here in memory (locks, waiters,
//! exchanges under way) only saves work and is rebuilt from the store after a crash:
//!
//! | the process dies | what finishes it |
//! |---|---|
//! | before the card is sent, or its outcome is unknown | [`AuthSessions::run_cards`] sends again with the same uuid |
//! | after a tap was acknowledged, before the exchange | [`AuthSessions::run_exchanges`] exchanges the stored code |
//! | after the exchange, before the store | the same: the platform says the code is spent, the person is asked again |
//! | while the person thinks | nothing is lost; [`AuthSessions::run_expiry`] ends it in time |
//! | before the card shows the end | [`AuthSessions::run_cards`] changes it |

mod amend;
mod apps;
mod ask;
mod callback;
mod cards;
mod changes;
mod deliveries;
mod device;
mod draft;
mod elsewhere;
mod end;
mod exchange;
mod line;
mod locks;
mod reask;
mod redirect;
mod sending;
mod sweep;
mod take_back;
mod taps;
mod tell;
#[cfg(test)]
mod tests;
mod under_way;
mod wait;
mod waiters;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::hint::Tell;
use crate::domain::ids::AppId;
use crate::domain::random::Random;
use crate::domain::rate_limit::Limit;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

pub use apps::{App, AppWay, Unserved};
pub use ask::{Ask, AskError, Asked, Notification};
pub use callback::{CallbackError, CallbackQuery};
pub use changes::Ending;
pub use redirect::{Begun, Landing, StartError, flow_tag};
pub use sweep::WithdrawError;

use deliveries::Deliveries;
use line::Lines;
use locks::SubjectLocks;
use waiters::Waiters;

/// The use case. Clones share everything.
#[derive(Clone)]
pub struct AuthSessions(Arc<Inner>);

struct Inner {
    store: Store,
    apps: HashMap<AppId, App>,
    tokenless: HashSet<AppId>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Metrics,
    tasks: Tasks,
    locks: SubjectLocks,
    deliveries: Deliveries,
    waiters: Waiters,
    exchanging: Mutex<HashSet<AuthSessionId>>,
    tell: Tell,
    lines: Lines,
    card_nudge: Arc<Notify>,
    device_nudge: Arc<Notify>,
    reask_nudge: Arc<Notify>,
    take_back_nudge: Arc<Notify>,
}

/// What is set for all apps.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a person may take.
    pub expiry: Duration,
    /// Cards per subject and minute.
    pub per_minute: u32,
    /// The platform's limit on the token endpoint, for each app.
    pub exchanges: Limit,
    /// How long what is over is kept.
    pub keep: Keep,
}

/// How long what is over is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Sessions that ended, for callers that come back.
    pub sessions: Duration,
    /// Ids of events, so that a repeated one is known; and suspensions that were lifted.
    pub events: Duration,
}

/// How work is run that must not end with its caller.
#[derive(Clone)]
pub struct Tasks {
    /// Everything spawned is tracked.
    pub tracker: TaskTracker,
    /// Waiting callers are let go when this fires.
    pub soft: CancellationToken,
}

/// What everything here is made of.
pub struct Parts {
    /// The truth.
    pub store: Store,
    /// The apps that people can be asked under.
    pub apps: HashMap<AppId, App>,
    /// Configured apps whose platform has no user tokens.
    pub tokenless: HashSet<AppId>,
    /// What is set.
    pub settings: Settings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is spawned.
    pub tasks: Tasks,
    /// Where the other processes on the database are told of.
    pub tell: Tell,
}

impl AuthSessions {
    /// The use case over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, apps, tokenless, settings, clock, random, metrics, tasks, tell } = parts;
        let lines = Lines::of(apps.keys().cloned());
        Self(Arc::new(Inner {
            store,
            apps,
            tokenless,
            settings,
            clock,
            random,
            metrics,
            tasks,
            locks: SubjectLocks::default(),
            deliveries: Deliveries::default(),
            waiters: Waiters::default(),
            exchanging: Mutex::default(),
            tell,
            lines,
            card_nudge: Arc::default(),
            device_nudge: Arc::default(),
            reask_nudge: Arc::default(),
            take_back_nudge: Arc::default(),
        }))
    }

    /// The time by this gateway's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Wakes the card job: a face is to be changed.
    #[must_use]
    pub fn card_nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.0.card_nudge)
    }

    /// Wakes the device job: a device code is to be polled.
    #[must_use]
    pub fn device_nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.0.device_nudge)
    }

    /// Wakes the job that asks again: a grant has died.
    #[must_use]
    pub fn reask_nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.0.reask_nudge)
    }

    /// Wakes the job that takes questions back: a grant is well again.
    #[must_use]
    pub fn take_back_nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.0.take_back_nudge)
    }

    /// The session of this id.
    pub async fn find(&self, id: &AuthSessionId) -> Result<Option<AuthSession>, StoreError> {
        self.0.store.auth_session(id).await
    }

    /// Shows how many sessions are pending and how many grants can give a token.
    pub async fn count(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        for app in self.0.apps.keys() {
            let pending = self.0.store.count_pending(app).await?;
            let stopped = self.0.store.app_suspended(app).await?;
            let grants = if stopped { 0 } else { self.0.store.count_active_grants(app, now).await? };
            self.0.metrics.counts(app.as_str(), pending, grants);
        }
        Ok(())
    }
}
