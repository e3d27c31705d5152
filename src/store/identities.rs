//! Whose a refreshed pair is: which pairs nobody has asked about yet, and what is written of the answer.
//!
//! A pair is saved first and asked about afterwards (`grants::identities` says why), so the row itself says that it was
//! not asked about; whoever reads it, in whichever process, knows. Each write names the version that it is about.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantFacts};
use crate::domain::ids::{AppId, AttemptId, SubjectId};
use crate::store::entity::grant::{ActiveModel, Column, Entity};
use crate::store::grants::at;
use crate::store::row::{micros, of_apps, readable};
use crate::store::{PAGE, Store, StoreError, grant_row, quarantine};

impl Store {
    /// Grants of these apps whose pair is to be asked about by now, the longest due first.
    pub async fn identities_due(
        &self,
        apps: &[AppId],
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<GrantFacts>, StoreError> {
        let rows = Entity::find()
            .filter(Column::IdentityDueAt.lte(now.as_micros()))
            .filter(of_apps(Column::AppId, apps))
            .order_by_asc(Column::IdentityDueAt)
            .limit(Ord::min(limit, PAGE))
            .all(&self.reads)
            .await?;
        Ok(readable(&rows, grant_row::facts))
    }

    /// Notes when the pair is to be asked about next; with nothing, that it is known whose it is.
    pub async fn note_identity(&self, facts: &GrantFacts, due: Option<Timestamp>) -> Result<(), StoreError> {
        let facts = facts.clone();
        self.write(move |scope| {
            Box::pin(async move {
                note(&scope.tx, &facts, ActiveModel { identity_due_at: Set(micros(due)), ..ActiveModel::default() })
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes another person's pair out of the row and into the quarantine, from where nothing recalls it: the grant
    /// gives no token any more and its person is to be asked. Whether it was done now.
    pub async fn set_apart(
        &self,
        attempt: &AttemptId,
        grant: &Grant,
        whose: &SubjectId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (vault, facts) = (&self.vault, grant.facts.clone());
        let pair = quarantine::another_persons(vault, attempt, grant, whose)?;
        let row = grant_row::without_tokens(vault, &facts, now)?;
        self.write(move |scope| {
            Box::pin(async move {
                if !note(&scope.tx, &facts, row).await? {
                    return Ok(false);
                }
                quarantine::insert(&scope.tx, pair).await?;
                Ok(true)
            })
        })
        .await
    }
}

/// Changes the row if it still holds this pair and nobody has learnt meanwhile whose it is; whether it did.
async fn note(tx: &DatabaseTransaction, facts: &GrantFacts, row: ActiveModel) -> Result<bool, StoreError> {
    let update = Entity::update_many().set(row).filter(at(&facts.id, facts.version));
    Ok(update.filter(Column::IdentityDueAt.is_not_null()).exec(tx).await?.rows_affected == 1)
}
