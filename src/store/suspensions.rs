//! Suspensions: one row for a person, one row for a whole app, so that stopping an app costs the same however many
//! people granted it something. The later event wins, by the platform's time.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::domain::grant::Suspension;
use crate::domain::ids::{AppId, Subject};
use crate::store::entity::suspension::{ActiveModel, Column, Entity};
use crate::store::{Store, StoreError};

/// What stands for the whole app in place of a person.
pub(super) const WHOLE_APP: &str = "";

impl Store {
    /// Whether this person is suspended, or the whole app is.
    pub async fn suspension(&self, subject: &Subject) -> Result<Option<Suspension>, StoreError> {
        let found: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Subject)
            .filter(Column::AppId.eq(subject.app.as_str()))
            .filter(Column::Subject.is_in([WHOLE_APP, subject.id.as_str()]))
            .filter(Column::Suspended.eq(true))
            .into_tuple()
            .all(&self.reads)
            .await?;
        let app = found.iter().any(|subject| subject == WHOLE_APP);
        let person = (!found.is_empty()).then_some(Suspension::Person);
        Ok(if app { Some(Suspension::App) } else { person })
    }

    /// Which of these people are suspended, by themselves or with the whole app: a flag for each, in their order.
    pub async fn suspended(&self, people: &[&Subject]) -> Result<Vec<bool>, StoreError> {
        let apps: BTreeSet<&str> = people.iter().map(|person| person.app.as_str()).collect();
        let ids = people.iter().map(|person| person.id.as_str()).chain([WHOLE_APP]);
        let found: Vec<(String, String)> = Entity::find()
            .select_only()
            .columns([Column::AppId, Column::Subject])
            .filter(Column::AppId.is_in(apps))
            .filter(Column::Subject.is_in(ids))
            .filter(Column::Suspended.eq(true))
            .into_tuple()
            .all(&self.reads)
            .await?;
        let is_of = |(app, subject): &(String, String), person: &Subject| {
            app == person.app.as_str() && (subject == WHOLE_APP || subject == person.id.as_str())
        };
        Ok(people.iter().map(|person| found.iter().any(|row| is_of(row, person))).collect())
    }

    /// Whether the whole app is suspended.
    pub async fn app_suspended(&self, app: &AppId) -> Result<bool, StoreError> {
        let row = Entity::find_by_id((app.as_str().to_owned(), WHOLE_APP.to_owned())).one(&self.reads).await?;
        Ok(row.is_some_and(|row| row.suspended))
    }
}

/// Whether this person is suspended, or the whole app is, as the transaction sees it.
pub(super) async fn holds(tx: &DatabaseTransaction, app: &str, subject: &str) -> Result<bool, StoreError> {
    let found = Entity::find()
        .filter(Column::AppId.eq(app))
        .filter(Column::Subject.is_in([WHOLE_APP, subject]))
        .filter(Column::Suspended.eq(true));
    Ok(found.one(tx).await?.is_some())
}

/// The people of the app who are suspended.
pub(super) fn people_of(app: &AppId) -> SelectStatement {
    Query::select()
        .column(Column::Subject)
        .from(Entity)
        .and_where(Column::AppId.eq(app.as_str()))
        .and_where(Column::Suspended.eq(true))
        .to_owned()
}

/// Notes how things stood at `at`, unless something later is known; whether it was noted.
pub(super) async fn put(
    tx: &DatabaseTransaction,
    app: &AppId,
    subject: &str,
    suspended: bool,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let row = Entity::find_by_id((app.as_str().to_owned(), subject.to_owned()));
    let known = row.lock_exclusive().one(tx).await?;
    if known.as_ref().is_some_and(|known| known.happened_at > at.as_micros()) {
        return Ok(false);
    }
    let row = ActiveModel {
        app_id: Set(app.as_str().to_owned()),
        subject: Set(subject.to_owned()),
        suspended: Set(suspended),
        happened_at: Set(at.as_micros()),
    };
    if known.is_some() {
        Entity::update(row).exec(tx).await?;
    } else {
        Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::or_again)?;
    }
    Ok(true)
}
