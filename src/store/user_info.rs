//! What people are called and how they are reached, as the platform says it by now: whose is to be looked up, and what
//! came. It belongs to the consent and leaves the pair of tokens alone, so that it can come at any time.

use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantFacts};
use crate::domain::ids::AppId;
use crate::domain::token::Identity;
use crate::store::entity::grant::{Column, Entity};
use crate::store::row::readable;
use crate::store::{PAGE, Store, StoreError, grant_row, suspensions};

/// Some of the people to be looked up, in the order of their grants.
#[derive(Debug)]
pub struct PeoplePage {
    /// Their grants. One that does not open is logged and left out, so that it does not stop the others.
    pub grants: Vec<Grant>,
    /// Where the next page begins; nothing after the last one.
    pub next: Option<String>,
}

impl Store {
    /// Grants of the app with an access token that lives, whose people were not looked up since `since` and are not
    /// suspended, from behind `after`.
    pub async fn people_to_look_up(
        &self,
        app: &AppId,
        since: Timestamp,
        now: Timestamp,
        after: Option<&str>,
        limit: u64,
    ) -> Result<PeoplePage, StoreError> {
        let mut query = people(app, since, now).order_by_asc(Column::Id);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after));
        }
        let rows = query.limit(limit.min(PAGE)).all(&self.reads).await?;
        Ok(PeoplePage {
            grants: readable(&rows, |row| grant_row::open(&self.vault, row)),
            next: rows.last().map(|row| row.id.clone()),
        })
    }

    /// How many there are in all.
    pub async fn count_people_to_look_up(
        &self,
        app: &AppId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        Ok(people(app, since, now).count(&self.reads).await?)
    }

    /// Notes what the platform says of the grant's person, if the consent is still the same; whether it was noted.
    pub async fn note_user_info(
        &self,
        facts: &GrantFacts,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = grant_row::person(&self.vault, facts, identity, now)?;
        let consent =
            Condition::all().add(Column::Id.eq(facts.id.as_str())).add(Column::ConsentNo.eq(facts.version.consent_no));
        self.write(move |scope| {
            Box::pin(async move {
                let noted = Entity::update_many().set(row).filter(consent).exec(&scope.tx).await?;
                Ok(noted.rows_affected == 1)
            })
        })
        .await
    }
}

fn people(app: &AppId, since: Timestamp, now: Timestamp) -> Select<Entity> {
    let stale = Condition::any().add(Column::InfoAt.is_null()).add(Column::InfoAt.lt(since.as_micros()));
    Entity::find()
        .filter(Column::AppId.eq(app.as_str()))
        .filter(Column::Status.eq("active"))
        .filter(Column::AccessExpiresAt.gt(now.as_micros()))
        .filter(Column::Subject.not_in_subquery(suspensions::people_of(app)))
        .filter(stale)
}
