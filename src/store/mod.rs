//! The only home of the database: domain types in, domain types out, everything secret sealed by the vault on the way.
//! No other module names a table, a column or a query, and nothing in here knows a platform.
//!
//! The URL says which database it is ([`engine`]). On SQLite everything that writes goes through one task with group
//! commit ([`writer`]) and reading through a few connections of its own; on a server a write is a transaction of its
//! own on a pool ([`transactions`]). What is written here holds on both: work for the jobs is found by index on "next
//! due", never by scanning; a transition of a row is a compare-and-set on its version, so that of any number of writers
//! exactly one wins, and the others read again. Who reads a row in order to decide, and does not compare-and-set, locks
//! it; who inserts where somebody else may have been faster says [`StoreError::or_again`].
//!
//! | file | what |
//! |---|---|
//! | `backup`, `part_file` | copies of the SQLite file, and putting one back |
//! | `vault_keys` | the proof that the keys are the right ones |
//! | `sealed_columns`, `sealed_rows`, `reseal`, `key_use` | sealing everything anew with another key |
//! | `engine`, `opening` | which database, and opening it |
//! | `sqlite` | what is particular to SQLite: the file, pragmas, transactions |
//! | `server`, `pool`, `transactions` | what is particular to the servers: sessions, locks, the pool, repeating |
//! | `schema` | migrations |
//! | `writer`, `batch`, `operation` | group commit |
//! | `inbox`, `inbox_rows`, `remembered`, `inbox_key` | taken events |
//! | `sessions`, `session_row`, `session_sweeps`, `flows` | auth sessions |
//! | `grants`, `grant_row` | grants |
//! | `due_grants` | which grants are to be refreshed |
//! | `refresh_claims`, `refresh_journal` | who refreshes what, and what became of it |
//! | `identities` | whose a refreshed pair is |
//! | `expiries` | refresh tokens that near their end |
//! | `quarantine`, `spool` | pairs that could not be saved where they belong |
//! | `budgets` | the platforms' rate limits, shared by all replicas |
//! | `changes`, `suspensions` | what the platform takes away from grants |
//! | `reasks`, `withdrawals` | dead grants whose person is to be asked again, and those that came back to life |
//! | `jobs` | what runs once over all replicas |
//! | `user_info` | what people are called, as the platform says it by now |
//! | `links` | links that name a session |
//! | `health` | whether writes are taken, and how long SQLite's log is |
//! | `app_tokens` | the apps' own tokens |
//! | `session_keys` | the apps' session keys with people |
//! | `api_keys`, `tenants`, `housekeeping` | the rest |
//! | `entity` | the rows |

mod api_keys;
mod app_tokens;
mod backup;
mod batch;
mod budgets;
mod changes;
mod digest;
mod due_grants;
mod engine;
mod entity;
mod error;
mod events;
mod expiries;
mod flows;
mod grant_row;
mod grants;
mod health;
mod housekeeping;
mod identities;
mod inbox;
mod inbox_key;
mod inbox_rows;
mod jobs;
mod key_use;
mod links;
mod opening;
mod operation;
mod packed;
mod part_file;
mod pool;
mod quarantine;
mod reasks;
mod refresh_claims;
mod refresh_journal;
mod remembered;
mod reseal;
mod row;
mod schema;
mod sealed_columns;
mod sealed_rows;
mod server;
mod session_keys;
mod session_row;
mod session_sweeps;
mod sessions;
mod spool;
mod sqlite;
mod suspensions;
mod tenants;
#[cfg(test)]
mod tests;
mod transactions;
mod user_info;
mod vault_keys;
mod withdrawals;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, oneshot};

use crate::domain::refresh_plan::RefreshPlan;
use crate::store::batch::Scope;
use crate::store::operation::Call;
use crate::store::transactions::Transactions;
use crate::store::writer::Job;
use crate::vault::Vault;

pub use api_keys::SecretHash;
pub use backup::{BackupError, backup, restore};
pub use changes::AcceptedChange;
pub use due_grants::DueGrant;
pub use error::StoreError;
pub use events::AcceptedWith;
pub use flows::Flow;
pub use grants::Refreshed;
pub use housekeeping::{Old, Sweep};
pub use inbox::Accepted;
pub use jobs::{ClaimedJob, JobClaim, JobRecord};
pub use key_use::KeyUse;
pub use pool::PoolConfig;
pub use reasks::{DueReask, LastAsked};
pub use refresh_claims::{Attempt, Claimed};
pub use reseal::{Resealed, TableResealed};
pub use session_keys::SessionKeys;
pub use sessions::{Open, Save, SaveCard};
pub use spool::Spooled;
pub use user_info::PeoplePage;

/// The most rows of one answer, whatever the caller asks for.
const PAGE: u64 = 1_000;

/// Which database, and whether its schema may be changed.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite://path?mode=rwc`: a file; it and its directory are made if they are missing. Or
    /// `postgres://user:password@host:port/database`, or the same with `mysql://` for MariaDB and MySQL.
    pub url: String,
    /// The connections to a server.
    pub pool: PoolConfig,
    /// Whether pending migrations are applied; otherwise they are an error.
    pub migrate: bool,
    /// When a grant that is written is refreshed next.
    pub plan: RefreshPlan,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    reads: DatabaseConnection,
    writes: Writes,
    vault: Vault,
    plan: Arc<RefreshPlan>,
    commits: Arc<AtomicU64>,
    health: health::Health,
}

/// How writes reach the database.
#[derive(Clone)]
enum Writes {
    /// SQLite: by the one task that writes.
    Queue(mpsc::Sender<Job>),
    /// A server: each by itself.
    Transactions(Transactions),
}

impl Store {
    /// How many transactions were committed since the store was opened.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs an operation in a transaction and waits until it is on the disk. If the caller goes away meanwhile, the
    /// operation is done all the same. It does nothing but what the transaction does: on a server it may run again.
    async fn write<T, F>(&self, function: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<T, StoreError>> + Clone + Send + 'static,
    {
        let done = match &self.writes {
            Writes::Queue(queue) => {
                let (reply, answer) = oneshot::channel();
                enqueue(queue, Job::Operation(Box::new(Call { function, reply }))).await?;
                answer.await.unwrap_or(Err(StoreError::CLOSED))
            }
            Writes::Transactions(transactions) => transactions.write(function).await,
        };
        self.health.note(&done);
        done
    }

    /// Whether other processes may be at work on the same database.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.writes, Writes::Transactions(_))
    }
}

async fn enqueue(queue: &mpsc::Sender<Job>, job: Job) -> Result<(), StoreError> {
    queue.send(job).await.map_err(|_| StoreError::CLOSED)
}

impl std::fmt::Debug for StoreConfig {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreConfig").field("pool", &self.pool).field("migrate", &self.migrate).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
