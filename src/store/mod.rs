//! The only home of the database: domain types in, domain types out, everything secret sealed by the vault on the way.
//! No other module names a table, a column or a query, and nothing in here knows a platform.
//!
//! Reading goes through a few connections of its own; everything that writes goes through one task with group commit
//! ([`writer`]). Work for the jobs is found by index on "next due", never by scanning. A transition of a row is a
//! compare-and-set on its version, so that of any number of writers exactly one wins; the others read again.
//!
//! | file | what |
//! |---|---|
//! | `sqlite` | what is particular to the database: the file, pragmas, transactions |
//! | `schema` | migrations |
//! | `backup`, `part_file` | copies of the SQLite file, and putting one back |
//! | `vault_keys` | the proof that the keys are the right ones |
//! | `sealed_columns`, `sealed_rows`, `reseal`, `key_use` | sealing everything anew with another key |
//! | `writer`, `batch`, `operation` | group commit |
//! | `inbox`, `inbox_rows`, `remembered` | taken events |
//! | `sessions`, `session_row`, `session_sweeps`, `flows` | auth sessions |
//! | `grants`, `grant_row` | grants |
//! | `refresh_claims`, `refresh_journal` | who refreshes what, and what became of it |
//! | `quarantine`, `spool` | pairs that could not be saved where they belong |
//! | `budgets` | the platforms' rate limits, shared by all replicas |
//! | `changes`, `suspensions` | what the platform takes away from grants |
//! | `links` | links that name a session |
//! | `api_keys`, `tenants`, `housekeeping` | the rest |
//! | `entity` | the rows |

mod api_keys;
mod backup;
mod batch;
mod budgets;
mod changes;
mod digest;
mod entity;
mod error;
mod events;
mod flows;
mod grant_row;
mod grants;
mod housekeeping;
mod inbox;
mod inbox_rows;
mod key_use;
mod links;
mod operation;
mod packed;
mod part_file;
mod quarantine;
mod refresh_claims;
mod refresh_journal;
mod remembered;
mod reseal;
mod row;
mod schema;
mod sealed_columns;
mod sealed_rows;
mod session_row;
mod session_sweeps;
mod sessions;
mod spool;
mod sqlite;
mod suspensions;
mod tenants;
#[cfg(test)]
mod tests;
mod vault_keys;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::domain::refresh_plan::RefreshPlan;
use crate::store::batch::Scope;
use crate::store::operation::Call;
use crate::store::sqlite::Location;
use crate::store::writer::{Job, QUEUE, Writer};
use crate::vault::Vault;

pub use api_keys::SecretHash;
pub use backup::{BackupError, backup, restore};
pub use budgets::{Limit, Reservation};
pub use changes::AcceptedChange;
pub use error::StoreError;
pub use events::AcceptedWith;
pub use flows::Flow;
pub use inbox::Accepted;
pub use key_use::KeyUse;
pub use refresh_claims::{Attempt, Claimed, DueGrant};
pub use reseal::{Resealed, TableResealed};
pub use sessions::{Open, Save, SaveCard};
pub use spool::Spooled;

/// The most rows of one answer, whatever the caller asks for.
const PAGE: u64 = 1_000;

/// Which database, and whether its schema may be changed.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `sqlite://path?mode=rwc`. A file and its directory are made if they are missing.
    pub url: String,
    /// Whether pending migrations are applied; otherwise they are an error.
    pub migrate: bool,
    /// When a grant that is written is refreshed next.
    pub plan: RefreshPlan,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    reads: DatabaseConnection,
    queue: mpsc::Sender<Job>,
    vault: Vault,
    plan: Arc<RefreshPlan>,
    commits: Arc<AtomicU64>,
}

impl Store {
    /// Opens the database, brings its schema up to date if that is wanted, and proves the keys. The writer runs in
    /// `tracker` until the store is closed or its last clone is dropped, and everything queued is done.
    pub async fn open(config: StoreConfig, vault: Vault, tracker: &TaskTracker) -> Result<Self, StoreError> {
        let location = Arc::new(Location::parse(&config.url)?);
        let connection = prepare(&location, config.migrate, &vault, tracker).await?;
        let reads = location.connect_readers().await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        tracker.spawn(Writer::new(location, connection, jobs, Arc::clone(&commits)).run());
        Ok(Self { reads, queue, vault, plan: Arc::new(config.plan), commits })
    }

    /// Whether other processes may be at work on this database: only a file belongs to one process.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        false
    }

    /// Whether the database answers and the writer is there.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if self.queue.is_closed() {
            return Err(StoreError::CLOSED);
        }
        Ok(self.reads.ping().await?)
    }

    /// Finishes what is queued, then closes the database. Calls that come later are refused.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Job::Close(done)).await.is_ok() {
            // The writer answers, or is gone already.
            let _ = closed.await;
        }
        // A pool that is closed says nothing worth hearing.
        let _ = self.reads.close_by_ref().await;
    }

    /// How many transactions the writer has committed since the store was opened.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs an operation in the writer and waits until it is on the disk. If the caller goes away meanwhile, the
    /// operation is done all the same.
    async fn write<T, F>(&self, function: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Operation(Box::new(Call { function, reply }))).await?;
        answer.await.unwrap_or(Err(StoreError::CLOSED))
    }

    async fn queue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.send(job).await.map_err(|_| StoreError::CLOSED)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Opens the writing connection on a file that exists, with a schema and keys that are right. Holds the schema lock
/// meanwhile, so that two processes that start at once do not both change the schema.
async fn prepare(
    location: &Arc<Location>,
    migrate: bool,
    vault: &Vault,
    tracker: &TaskTracker,
) -> Result<DatabaseConnection, StoreError> {
    let blocking = Arc::clone(location);
    let locked = tracker.spawn_blocking(move || {
        blocking.prepare()?;
        blocking.lock_schema()
    });
    let _lock = locked.await.unwrap_or(Err(StoreError::Unavailable("it could not be locked")))?;
    let connection = location.connect_writer().await?;
    schema::ready(&connection, migrate).await?;
    vault_keys::check(&connection, vault).await?;
    Ok(connection)
}
