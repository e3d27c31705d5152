//! Deleting what is old, in batches, so that nobody waits long behind it; or counting what would be deleted.

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, DatabaseTransaction, EntityTrait, PaginatorTrait as _, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::domain::clock::Timestamp;
use crate::store::entity::{auth_session, grant, quarantined_pair, refresh_journal, session_key, suspension};
use crate::store::{Store, StoreError};

/// About how many rows are deleted in one transaction.
const BATCH: u64 = 500;

/// What grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// Auth sessions that ended, with their flows.
    EndedSessions,
    /// Events that were taken. On SQLite the process that takes events forgets them; another one deletes none.
    Events,
    /// Suspensions that were lifted.
    LiftedSuspensions,
    /// Entries of the journal of refreshes.
    Attempts,
    /// Pairs of tokens that were set aside.
    Pairs,
    /// Grants that can give no token before their person consents again, by when they died.
    DeadGrants,
    /// Session keys of people who have not logged in for long.
    SessionKeys,
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// It is deleted.
    Delete,
    /// It is counted, and stays.
    Count,
}

impl Store {
    /// Deletes or counts what is older than `before`; says how many.
    pub async fn sweep(&self, old: Old, before: Timestamp, sweep: Sweep) -> Result<u64, StoreError> {
        use {auth_session as session, quarantined_pair as pair, refresh_journal as journal};
        match old {
            Old::Events => match sweep {
                Sweep::Delete => self.delete_inbox_before(before).await,
                Sweep::Count => self.count_inbox_before(before).await,
            },
            Old::EndedSessions => self.rows::<session::Entity>(session::Column::EndedAt, all(), before, sweep).await,
            Old::LiftedSuspensions => {
                let lifted = Condition::all().add(suspension::Column::Suspended.eq(false));
                self.rows::<suspension::Entity>(suspension::Column::HappenedAt, lifted, before, sweep).await
            }
            Old::Attempts => self.rows::<journal::Entity>(journal::Column::PreparedAt, all(), before, sweep).await,
            Old::Pairs => self.rows::<pair::Entity>(pair::Column::CreatedAt, all(), before, sweep).await,
            Old::DeadGrants => {
                let dead = Condition::all().add(grant::Column::Status.eq("needs_consent"));
                self.rows::<grant::Entity>(grant::Column::DeadAt, dead, before, sweep).await
            }
            Old::SessionKeys => {
                self.rows::<session_key::Entity>(session_key::Column::ChangedAt, all(), before, sweep).await
            }
        }
    }

    /// Forgets events that came before `before`; says how many.
    pub async fn delete_inbox_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let now = self
                .write(move |scope| Box::pin(async move { scope.inbox.forget_before(&scope.tx, before).await }))
                .await?;
            deleted += now;
            if now == 0 {
                return Ok(deleted);
            }
        }
    }

    async fn count_inbox_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let old = Query::select()
            .expr(Expr::col("seq").count())
            .from("inbox")
            .and_where(Expr::col("received_at").lt(before.as_micros()))
            .to_owned();
        let row = self.reads.query_one(&old).await?;
        let count: i64 = row.map(|row| row.try_get_by(0)).transpose()?.unwrap_or_default();
        Ok(count.unsigned_abs())
    }

    async fn rows<E: EntityTrait>(
        &self,
        age: E::Column,
        which: Condition,
        before: Timestamp,
        sweep: Sweep,
    ) -> Result<u64, StoreError>
    where
        E::Model: Send + Sync,
    {
        let old = which.add(age.lt(before.as_micros()));
        if sweep == Sweep::Count {
            return Ok(E::find().filter(old).count(&self.reads).await?);
        }
        let mut deleted = 0;
        loop {
            let old = old.clone();
            let now =
                self.write(move |scope| Box::pin(async move { delete_oldest::<E>(&scope.tx, age, old).await })).await?;
            deleted += now;
            if now == 0 {
                return Ok(deleted);
            }
        }
    }
}

fn all() -> Condition {
    Condition::all()
}

/// Deletes the oldest of these rows, a batch and those that are as old as its youngest.
async fn delete_oldest<E: EntityTrait>(
    tx: &DatabaseTransaction,
    age: E::Column,
    old: Condition,
) -> Result<u64, StoreError> {
    let youngest = E::find().select_only().column(age).filter(old.clone()).order_by_asc(age).offset(BATCH - 1).limit(1);
    let youngest: Option<i64> = youngest.into_tuple().one(tx).await?;
    let mut delete = E::delete_many().filter(old);
    if let Some(youngest) = youngest {
        delete = delete.filter(age.lte(youngest));
    }
    Ok(delete.exec(tx).await?.rows_affected)
}
