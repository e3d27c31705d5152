//! The one task that writes, with group commit: everything that was queued while the last commit ran goes into the next
//! transaction, so that one wait for the disk serves all of them.
//!
//! Nobody is answered before the commit, and when the commit fails everybody of the batch is told so: an answer means
//! that it is on the disk. Each operation runs inside a savepoint, so that one that fails takes no other with it.
//!
//! After a failed batch the connection is thrown away: SQLite may have ended the transaction by itself (disk full), and
//! a driver that believes itself inside one would write the next batch nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use tokio::sync::{mpsc, oneshot};

use crate::store::batch::{Batch, Scope};
use crate::store::error::StoreError;
use crate::store::inbox::{Arrival, Inbox};
use crate::store::operation::Operation;
use crate::store::sqlite::{self, Location};

/// How many jobs may wait; whoever comes then waits to be queued.
pub(super) const QUEUE: usize = 1024;

/// The most jobs in one transaction.
const BATCH: usize = 512;

/// How often others get their turn between two transactions.
const TURNS: usize = 16;

/// One thing to write.
pub(super) enum Job {
    /// An event without effect: the many of them share one statement.
    Arrival(Arrival),
    /// Anything else.
    Operation(Box<dyn Operation>),
    /// Finish what is queued, take nothing more, and say when that is done.
    Close(oneshot::Sender<()>),
}

/// The task's state.
pub(super) struct Writer {
    location: Arc<Location>,
    queue: mpsc::Receiver<Job>,
    connection: Option<DatabaseConnection>,
    inbox: Inbox,
    closing: Vec<oneshot::Sender<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn new(
        location: Arc<Location>,
        connection: DatabaseConnection,
        queue: mpsc::Receiver<Job>,
        commits: Arc<AtomicU64>,
    ) -> Self {
        let inbox = Inbox::new(Arc::clone(&location));
        Self { location, queue, connection: Some(connection), inbox, closing: Vec::new(), commits }
    }

    /// Runs until nobody can queue anything any more, and what was queued is done.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        loop {
            let taken = self.queue.recv_many(&mut jobs, BATCH).await;
            if taken == 0 {
                break;
            }
            let batch = self.sort(&mut jobs);
            if batch.operations.is_empty() && self.inbox.appends_at_once(batch.arrivals.len()) {
                self.append(batch).await;
            } else if !batch.is_empty() {
                self.write(batch).await;
            }
            self.gather(taken).await;
        }
        self.disconnect().await;
        for done in self.closing {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }

    /// Lets whoever was just answered queue its next job, so that the next transaction is not one of few. Costs some
    /// microseconds when nobody has another job.
    async fn gather(&self, answered: usize) {
        for _ in 0..TURNS {
            if self.queue.len() >= answered {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    fn sort(&mut self, jobs: &mut Vec<Job>) -> Batch {
        let mut batch = Batch::default();
        for job in jobs.drain(..) {
            match job {
                Job::Arrival(arrival) => batch.arrivals.push(arrival),
                Job::Operation(operation) => batch.operations.push(operation),
                Job::Close(done) => {
                    self.queue.close();
                    self.closing.push(done);
                }
            }
        }
        batch
    }

    /// Events without effect, which nearly all are: a single statement is a transaction by itself, and each one less (to
    /// begin, to commit) saves two changes of the thread.
    async fn append(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return batch.refuse(&error),
        };
        let ran = batch.append(&connection, &mut self.inbox).await;
        let outcome = ran.outcome.clone();
        self.connection = Some(connection);
        self.settle(&outcome).await;
        ran.answer(&outcome);
    }

    async fn write(&mut self, batch: Batch) {
        let tx = match self.begin().await {
            Ok(tx) => tx,
            Err(error) => return batch.refuse(&error),
        };
        let inbox = std::mem::replace(&mut self.inbox, Inbox::new(Arc::clone(&self.location)));
        let mut scope = Scope { tx, inbox };
        let ran = batch.run(&mut scope).await;
        let Scope { tx, inbox } = scope;
        self.inbox = inbox;
        let outcome = match &ran.outcome {
            Ok(()) => tx.commit().await.map_err(StoreError::from),
            Err(error) => {
                // SQLite may have ended it already; the connection is not used again.
                let _ = tx.rollback().await;
                Err(error.clone())
            }
        };
        self.settle(&outcome).await;
        ran.answer(&outcome);
    }

    async fn settle(&mut self, outcome: &Result<(), StoreError>) {
        if outcome.is_ok() {
            self.inbox.commit();
            self.commits.fetch_add(1, Ordering::Relaxed);
        } else {
            self.inbox.undo();
            self.disconnect().await;
        }
    }

    async fn begin(&mut self) -> Result<DatabaseTransaction, StoreError> {
        let connection = self.connect().await?;
        let tx = sqlite::begin(&connection).await?;
        self.connection = Some(connection);
        Ok(tx)
    }

    /// The connection, taken out: whoever puts it back thinks that it is sound.
    async fn connect(&mut self) -> Result<DatabaseConnection, StoreError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(self.location.connect_writer().await?),
        }
    }

    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            // It is thrown away whatever it says.
            let _ = connection.close().await;
        }
    }
}
