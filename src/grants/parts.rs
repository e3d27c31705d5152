//! What the use case is made of, given by who composes it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::clock::Clock;
use crate::domain::hint::Tell;
use crate::domain::ids::AppId;
use crate::domain::random::Random;
use crate::domain::rate_limit::Limit;
use crate::domain::refresh::Timers;
use crate::metrics::Metrics;
use crate::platform::Asking;
use crate::store::Store;

/// What everything here is made of.
pub struct Parts {
    /// The truth.
    pub store: Store,
    /// The apps' platforms.
    pub apps: HashMap<AppId, Arc<Asking>>,
    /// How tokens are refreshed.
    pub settings: Settings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The ids of attempts.
    pub random: Arc<dyn Random>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is spawned.
    pub tracker: TaskTracker,
    /// No refresh is started any more.
    pub soft: CancellationToken,
    /// Woken when a grant has died.
    pub died: Arc<Notify>,
    /// Woken when a grant that had died is well again.
    pub healed: Arc<Notify>,
    /// Where the other processes on the database are told of.
    pub tell: Tell,
}

/// How tokens are refreshed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The used fraction of a life at which a token is refreshed.
    pub threshold: f64,
    /// How long each part of a refresh may take.
    pub timers: Timers,
    /// Refreshes at a time in this process: the bound on what its sudden death can cost.
    pub in_flight: usize,
    /// The platform's limit for each app, of refreshes and of looking people up.
    pub limit: Limit,
    /// How long the journal and pairs that were set aside are kept.
    pub journal_life: Duration,
    /// How long grants that died are kept; nothing: for ever.
    pub dead_life: Option<Duration>,
    /// The folder of pairs that could not be saved.
    pub spool: PathBuf,
    /// Whether a person is asked for a new consent before their refresh token ends.
    pub asks_before_expiry: bool,
}
