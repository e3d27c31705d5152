//! What goes into one transaction. Each operation runs inside a savepoint, so that one that fails takes no other with it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement};

use crate::domain::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::inbox::{Accepted, Arrival, Inbox};
use crate::store::operation::{Answer, Operation};
use crate::store::server;

/// What an operation works with.
pub(super) struct Scope {
    /// The transaction: of the batch, or on a server its own.
    pub(super) tx: DatabaseTransaction,
    /// The events that were taken.
    pub(super) inbox: Inbox,
}

impl Scope {
    /// The clock that leases go by: on a server its own, which is the same for every process; otherwise `now`.
    pub(super) async fn lease_now(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        server::lease_now(&self.tx, now).await
    }
}

/// The jobs of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) operations: Vec<Box<dyn Operation>>,
}

/// A batch that ran and is not committed yet.
pub(super) struct RanBatch {
    /// An error means that the transaction as a whole is lost.
    pub(super) outcome: Result<(), StoreError>,
    arrivals: Vec<(Arrival, Accepted)>,
    answers: Vec<Answer>,
}

impl Batch {
    pub(super) const fn is_empty(&self) -> bool {
        self.arrivals.is_empty() && self.operations.is_empty()
    }

    /// Runs without a transaction of its own what is one statement anyway.
    pub(super) async fn append(self, connection: &DatabaseConnection, inbox: &mut Inbox) -> RanBatch {
        let arrivals = inbox.judge(self.arrivals);
        let outcome = inbox.append_at_once(connection, &arrivals).await;
        RanBatch { outcome, arrivals, answers: Vec::new() }
    }

    /// Runs everything, up to the first failure that a savepoint cannot undo.
    pub(super) async fn run(self, scope: &mut Scope) -> RanBatch {
        let mut ran = RanBatch { outcome: Ok(()), arrivals: Vec::new(), answers: Vec::new() };
        if !self.arrivals.is_empty() {
            ran.take_in(scope, self.arrivals).await;
        }
        for operation in self.operations {
            match &ran.outcome {
                Ok(()) => ran.isolate(scope, operation).await,
                Err(error) => operation.refuse(error.clone()),
            }
        }
        ran
    }

    /// Tells everybody that nothing was tried.
    pub(super) fn refuse(self, error: &StoreError) {
        refuse(self.arrivals, error);
        for operation in self.operations {
            operation.refuse(error.clone());
        }
    }
}

impl RanBatch {
    /// Tells everybody what became of the transaction.
    pub(super) fn answer(self, outcome: &Result<(), StoreError>) {
        for (arrival, accepted) in self.arrivals {
            arrival.answer(outcome.clone().map(|()| accepted));
        }
        for answer in self.answers {
            answer(outcome.clone());
        }
    }

    async fn take_in(&mut self, scope: &mut Scope, arrivals: Vec<Arrival>) {
        let Scope { tx, inbox } = scope;
        if let Err(error) = inbox.ready(tx).await {
            return refuse(arrivals, &error);
        }
        self.arrivals = inbox.judge(arrivals);
        self.outcome = inbox.write(tx, &self.arrivals).await;
    }

    async fn isolate(&mut self, scope: &mut Scope, operation: Box<dyn Operation>) {
        self.outcome = savepoint(&scope.tx, "SAVEPOINT operation").await;
        if let Err(error) = &self.outcome {
            return operation.refuse(error.clone());
        }
        let mark = scope.inbox.mark();
        let ran = operation.run(scope).await;
        self.answers.push(ran.answer);
        if !ran.keep {
            scope.inbox.undo_to(mark);
            self.outcome = savepoint(&scope.tx, "ROLLBACK TO SAVEPOINT operation").await;
        }
        if self.outcome.is_ok() {
            self.outcome = savepoint(&scope.tx, "RELEASE SAVEPOINT operation").await;
        }
    }
}

fn refuse(arrivals: Vec<Arrival>, error: &StoreError) {
    for arrival in arrivals {
        arrival.answer(Err(error.clone()));
    }
}

async fn savepoint(tx: &DatabaseTransaction, sql: &str) -> Result<(), StoreError> {
    tx.execute_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    Ok(())
}
