//! Writing to a server: each operation is a transaction of its own on a pool, READ COMMITTED, and the server does the
//! rest: its row locks and unique keys decide between processes, its own group commit serves those that come together.
//!
//! A transaction that collides with another one (a deadlock, a serialization failure, a unique key that somebody else
//! was faster with) is repeated from its start. For that the operation is cloned for each try, and not borrowed as an
//! `Fn` would be: it may use up what it captured, as it does on SQLite, where it is never cloned. An operation does
//! nothing outside its transaction, so repeating it is safe; what calls a platform is no operation of the store.
//!
//! A lost answer to a commit is not repeated: it may have happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, TransactionTrait};
use tokio_util::task::TaskTracker;

use crate::store::batch::Scope;
use crate::store::error::StoreError;
use crate::store::inbox::{Accepted, Inbox, InboxEvent};
use crate::store::inbox_key;

/// How often an operation is tried.
const TRIES: u32 = 10;

/// The pause before the second try; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes to a server.
#[derive(Clone)]
pub(super) struct Transactions {
    pool: DatabaseConnection,
    patience: Duration,
    commits: Arc<AtomicU64>,
    /// Where the process waits for its tasks.
    tracker: TaskTracker,
    /// What closing waits for.
    running: TaskTracker,
}

impl Transactions {
    pub(super) fn new(
        pool: DatabaseConnection,
        patience: Duration,
        commits: Arc<AtomicU64>,
        tracker: TaskTracker,
    ) -> Self {
        Self { pool, patience, commits, tracker, running: TaskTracker::new() }
    }

    /// Runs the operation in a transaction and waits for the commit.
    pub(super) async fn write<T, F>(&self, function: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<T, StoreError>> + Clone + Send + 'static,
    {
        let pool = self.pool.clone();
        self.run(move || transact(pool.clone(), function.clone()).boxed()).await
    }

    /// Takes an event that changes nothing: one statement is a transaction by itself.
    pub(super) async fn accept(&self, event: InboxEvent) -> Result<Accepted, StoreError> {
        let (pool, event) = (self.pool.clone(), Arc::new(event));
        self.run(move || {
            let (pool, event) = (pool.clone(), Arc::clone(&event));
            async move { inbox_key::insert(&pool, &event).await }.boxed()
        })
        .await
    }

    /// In a task: if the caller goes away meanwhile, the work is done all the same, as it is on SQLite.
    async fn run<T, A>(&self, attempt: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        A: Fn() -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static,
    {
        if self.is_closed() {
            return Err(StoreError::CLOSED);
        }
        let (patience, commits) = (self.patience, Arc::clone(&self.commits));
        let work = async move {
            let done = tokio::time::timeout(patience, repeat(attempt)).await;
            let done = done.unwrap_or(Err(StoreError::Unavailable("it took too long")));
            commits.fetch_add(u64::from(done.is_ok()), Ordering::Relaxed);
            done
        };
        let task = self.tracker.spawn(self.running.track_future(work));
        task.await.unwrap_or(Err(StoreError::BROKE_OFF))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.running.is_closed()
    }

    /// Refuses what comes from now on, and waits for what runs.
    pub(super) async fn close(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

async fn repeat<T>(attempt: impl Fn() -> BoxFuture<'static, Result<T, StoreError>> + Send) -> Result<T, StoreError> {
    for failed in 0..TRIES {
        match attempt().await {
            Err(StoreError::Collided) => tokio::time::sleep(PAUSE * 2_u32.pow(failed)).await,
            done => return done,
        }
    }
    Err(StoreError::contended())
}

async fn transact<T, F>(pool: DatabaseConnection, function: F) -> Result<T, StoreError>
where
    F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<T, StoreError>>,
{
    let mut scope = Scope { tx: pool.begin().await?, inbox: Inbox::keyed() };
    match function(&mut scope).await {
        Ok(value) => {
            scope.tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The server forgets it with the connection, if it cannot be told.
            let _ = scope.tx.rollback().await;
            Err(error)
        }
    }
}
