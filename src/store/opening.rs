//! Opening and closing, for each kind of database.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::store::engine::Engine;
use crate::store::error::StoreError;
use crate::store::health::Health;
use crate::store::server::Server;
use crate::store::sqlite::Location;
use crate::store::transactions::Transactions;
use crate::store::writer::{Job, QUEUE, Writer};
use crate::store::{Store, StoreConfig, Writes, schema, vault_keys};
use crate::vault::Vault;

impl Store {
    /// Opens the database, brings its schema up to date if that is wanted, and proves the keys. What writes runs in
    /// `tracker` until the store is closed or its last clone is dropped, and everything queued is done.
    pub async fn open(config: StoreConfig, vault: Vault, tracker: &TaskTracker) -> Result<Self, StoreError> {
        // Boxed: what a driver does to open is deep, and everything that starts a gateway would be as deep.
        let engine = Engine::of(&config)?;
        let opened = match engine {
            Engine::Sqlite(location) => Box::pin(Self::open_file(location, config.migrate, vault, tracker)).await?,
            Engine::Server(server) => Box::pin(Self::open_server(&server, config.migrate, vault, tracker)).await?,
        };
        Ok(Self { plan: Arc::new(config.plan), ..opened })
    }

    async fn open_file(
        location: Arc<Location>,
        migrate: bool,
        vault: Vault,
        tracker: &TaskTracker,
    ) -> Result<Self, StoreError> {
        let connection = prepare_file(&location, migrate, &vault, tracker).await?;
        let reads = location.connect_readers().await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let health = Health::of_file(location.path());
        tracker.spawn(Writer::new(location, connection, jobs, Arc::clone(&commits)).run());
        Ok(Self { reads, writes: Writes::Queue(queue), vault, plan: Arc::default(), commits, health })
    }

    async fn open_server(
        server: &Server,
        migrate: bool,
        vault: Vault,
        tracker: &TaskTracker,
    ) -> Result<Self, StoreError> {
        let locked = server.connect_locked().await?;
        let prepared = prepare(&locked, migrate, &vault).await;
        // Closing gives the schema lock back.
        let _ = locked.close().await;
        prepared?;
        let pool = server.connect().await?;
        let commits = Arc::new(AtomicU64::new(0));
        let health = Health::default();
        let writes = Transactions::new(pool.clone(), server.pool.patience(), Arc::clone(&commits), tracker.clone());
        Ok(Self { reads: pool, writes: Writes::Transactions(writes), vault, plan: Arc::default(), commits, health })
    }

    /// Whether the database answers, and takes writes. That it does not is known from the last write that failed; then
    /// another one is tried.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let closed = match &self.writes {
            Writes::Queue(queue) => queue.is_closed(),
            Writes::Transactions(transactions) => transactions.is_closed(),
        };
        if closed {
            return Err(StoreError::CLOSED);
        }
        self.reads.ping().await?;
        self.takes_writes_again().await
    }

    /// Finishes what is queued or running, then closes the database. Calls that come later are refused.
    pub async fn close(&self) {
        match &self.writes {
            Writes::Queue(queue) => {
                let (done, closed) = oneshot::channel();
                if queue.send(Job::Close(done)).await.is_ok() {
                    // The writer answers, or is gone already.
                    let _ = closed.await;
                }
            }
            Writes::Transactions(transactions) => transactions.close().await,
        }
        // A pool that is closed says nothing worth hearing.
        let _ = self.reads.close_by_ref().await;
    }
}

/// Opens the writing connection on a file that exists, with a schema and keys that are right. Holds the schema lock
/// meanwhile, so that two processes that start at once do not both change the schema.
async fn prepare_file(
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
    prepare(&connection, migrate, vault).await?;
    Ok(connection)
}

/// The caller holds the schema lock.
async fn prepare(connection: &DatabaseConnection, migrate: bool, vault: &Vault) -> Result<(), StoreError> {
    schema::ready(connection, migrate).await?;
    vault_keys::check(connection, vault).await
}
