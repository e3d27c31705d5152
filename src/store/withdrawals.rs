//! Grants that were dead and are alive again, because a pair came late for the generation that had been denied: what their
//! person was asked has become needless. Found by index, by a mark in the place of when to ask again.
//!
//! The mark is on the disk with the pair, so that no crash between the two leaves a question that nobody needs; it stands until
//! somebody has looked after the person's question. Whoever does takes the mark away with the question, or neither: a grant that
//! dies once more has lost its mark, and the question that stands is the asking.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::auth_session::AuthSession;
use crate::domain::grant::GrantFacts;
use crate::domain::ids::AppId;
use crate::store::entity::grant::{Column, Entity};
use crate::store::grants::at;
use crate::store::row::{of_apps, readable};
use crate::store::session_row::Transition;
use crate::store::sessions::Save;
use crate::store::{PAGE, Store, StoreError, grant_row};

/// After all times: nobody is to be asked for this grant, and what was asked is to be looked after.
pub(super) const HEALED: i64 = i64::MAX;

impl Store {
    /// Grants of these apps that a late pair has healed, and whose person's question nobody has looked after since.
    pub async fn healed_grants(&self, apps: &[AppId], limit: u64) -> Result<Vec<GrantFacts>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ReaskDueAt.eq(HEALED))
            .filter(of_apps(Column::AppId, apps))
            .limit(Ord::min(limit, PAGE))
            .all(&self.reads)
            .await?;
        Ok(readable(&rows, grant_row::facts))
    }

    /// Ends the question to the healed grant's person, if nobody has changed it since it was read, nor the grant.
    pub async fn take_question_back(
        &self,
        healed: &GrantFacts,
        needless: AuthSession,
    ) -> Result<Save<AuthSession>, StoreError> {
        let (healed, needless) = (healed.clone(), Transition::seal(&self.vault, needless)?);
        self.write(move |scope| {
            Box::pin(async move {
                if !take_mark(&scope.tx, &healed).await? {
                    return Ok(Save::Lost);
                }
                let ended = needless.store(&scope.tx).await?;
                if ended.is_none() {
                    put_mark_back(&scope.tx, &healed).await?;
                }
                Ok(ended.into())
            })
        })
        .await
    }

    /// There is nothing to take back of the healed grant's person.
    pub async fn leave_question(&self, healed: &GrantFacts) -> Result<(), StoreError> {
        let healed = healed.clone();
        self.write(move |scope| Box::pin(async move { take_mark(&scope.tx, &healed).await.map(drop) })).await
    }
}

/// Whether it was still there.
async fn take_mark(tx: &DatabaseTransaction, healed: &GrantFacts) -> Result<bool, StoreError> {
    let marked = at(&healed.id, healed.version).add(Column::ReaskDueAt.eq(HEALED));
    let update = Entity::update_many().col_expr(Column::ReaskDueAt, Expr::value(None::<i64>));
    Ok(update.filter(marked).exec(tx).await?.rows_affected == 1)
}

async fn put_mark_back(tx: &DatabaseTransaction, healed: &GrantFacts) -> Result<(), StoreError> {
    let update = Entity::update_many().col_expr(Column::ReaskDueAt, Expr::value(HEALED));
    update.filter(at(&healed.id, healed.version)).exec(tx).await?;
    Ok(())
}
