//! Deleting what is old, in batches, so that nobody waits long behind it.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::store::entity::auth_session::{Column, Entity};
use crate::store::{Store, StoreError};

/// How many sessions are deleted in one transaction.
const SESSIONS: u64 = 500;

impl Store {
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

    /// Deletes sessions that ended before `before`, with their flows; says how many.
    pub async fn delete_ended_sessions_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let now = self.delete_some_ended(before).await?;
            deleted += now;
            if now == 0 {
                return Ok(deleted);
            }
        }
    }

    async fn delete_some_ended(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |scope| {
            Box::pin(async move {
                let ids: Vec<String> = Entity::find()
                    .select_only()
                    .column(Column::Id)
                    .filter(Column::EndedAt.lt(before.as_micros()))
                    .order_by_asc(Column::EndedAt)
                    .limit(SESSIONS)
                    .into_tuple()
                    .all(&scope.tx)
                    .await?;
                Ok(Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&scope.tx).await?.rows_affected)
            })
        })
        .await
    }
}
