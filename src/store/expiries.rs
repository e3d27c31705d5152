//! Grants whose refresh token nears its end: found by index, and told of once a day however many replicas look.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantFacts;
use crate::domain::ids::AppId;
use crate::store::entity::grant::{ActiveModel, Column, Entity};
use crate::store::grants::at;
use crate::store::row::{micros, of_apps, readable};
use crate::store::{PAGE, Store, StoreError, grant_row};

impl Store {
    /// Grants of these apps whose end is to be told of by now, the longest due first.
    pub async fn expiries_due(&self, apps: &[AppId], now: Timestamp) -> Result<Vec<GrantFacts>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ExpiryDueAt.lte(now.as_micros()))
            .filter(of_apps(Column::AppId, apps))
            .order_by_asc(Column::ExpiryDueAt)
            .limit(PAGE)
            .all(&self.reads)
            .await?;
        Ok(readable(&rows, grant_row::facts))
    }

    /// Takes it upon the caller to tell of the end, and says when it is to be told of next; with `ask` the person is to be
    /// asked for a new consent as well. False if somebody else tells of it, or the pair is another one.
    pub async fn claim_expiry(
        &self,
        facts: &GrantFacts,
        next: Option<Timestamp>,
        ask: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let claim = at(&facts.id, facts.version).add(Column::ExpiryDueAt.lte(now.as_micros()));
        let mut row = ActiveModel { expiry_due_at: Set(micros(next)), ..ActiveModel::default() };
        if ask {
            row.reask_due_at = Set(Some(now.as_micros()));
        }
        self.write(move |scope| {
            Box::pin(async move {
                let claimed = Entity::update_many().set(row).filter(claim).exec(&scope.tx).await?;
                Ok(claimed.rows_affected == 1)
            })
        })
        .await
    }
}
