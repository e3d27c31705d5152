//! What the jobs find to do, by index, the longest due first. A session that does not decode is logged and left out, so
//! that it does not stop the others. At most 1,000 come at once, whatever the limit.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::store::entity::auth_session::{Column, Entity};
use crate::store::row::{of_apps, readable, timestamp};
use crate::store::session_row;
use crate::store::{PAGE, Store, StoreError};

impl Store {
    /// Waiting sessions whose time is up.
    pub async fn overdue_sessions(&self, now: Timestamp, limit: u64) -> Result<Vec<AuthSession>, StoreError> {
        let query = Entity::find().filter(Column::State.eq("waiting")).filter(Column::ExpiresAt.lte(now.as_micros()));
        self.sessions_of(query.order_by_asc(Column::ExpiresAt), limit).await
    }

    /// Sessions of these apps that took a code before `since_before` and are not over: what a crash left.
    pub async fn exchanging_sessions(
        &self,
        apps: &[AppId],
        since_before: Timestamp,
        limit: u64,
    ) -> Result<Vec<AuthSession>, StoreError> {
        let query = Entity::find().filter(Column::ExchangingSince.lt(since_before.as_micros()));
        let query = query.filter(of_apps(Column::AppId, apps));
        self.sessions_of(query.order_by_asc(Column::ExchangingSince), limit).await
    }

    /// Waiting sessions of the device way whose next poll is due.
    pub async fn device_due(&self, now: Timestamp, limit: u64) -> Result<Vec<AuthSession>, StoreError> {
        let query = Entity::find().filter(Column::PollDueAt.lte(now.as_micros()));
        self.sessions_of(query.order_by_asc(Column::PollDueAt), limit).await
    }

    /// Sessions of these apps whose card has to be sent or drawn anew.
    pub async fn cards_due(&self, apps: &[AppId], now: Timestamp, limit: u64) -> Result<Vec<AuthSession>, StoreError> {
        let query = Entity::find().filter(Column::CardDueAt.lte(now.as_micros())).filter(of_apps(Column::AppId, apps));
        self.sessions_of(query.order_by_asc(Column::CardDueAt), limit).await
    }

    /// The phases of these sessions, as far as there are such sessions, and when who waited for them was let go.
    pub async fn phases(
        &self,
        ids: &[&AuthSessionId],
    ) -> Result<HashMap<AuthSessionId, (String, Option<Timestamp>)>, StoreError> {
        let query = Entity::find().select_only().columns([Column::Id, Column::State, Column::LetGoAt]);
        let of_ids = query.filter(Column::Id.is_in(ids.iter().map(|id| id.as_str())));
        let found: Vec<(String, String, Option<i64>)> = of_ids.into_tuple().all(&self.reads).await?;
        let read = |(id, phase, at): (String, _, _)| Some((AuthSessionId::parse(&id).ok()?, (phase, timestamp(at))));
        Ok(found.into_iter().filter_map(read).collect())
    }

    /// Puts cards that are due at `now` off until `until`. No transition: it disturbs nobody who is at one, and who is
    /// may put the old time back.
    pub async fn put_cards_off(
        &self,
        ids: impl Iterator<Item = &AuthSessionId> + Send,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<String> = ids.map(|id| id.as_str().to_owned()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.write(move |scope| {
            Box::pin(async move {
                let of_ids = Entity::update_many().col_expr(Column::CardDueAt, Expr::value(until.as_micros()));
                let due = of_ids.filter(Column::Id.is_in(ids)).filter(Column::CardDueAt.lte(now.as_micros()));
                due.exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Makes every send that would be repeated by `until` due at `now`.
    pub async fn bring_sends_forward(&self, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.write(move |scope| {
            Box::pin(async move {
                let all = Entity::update_many().col_expr(Column::CardDueAt, Expr::value(now.as_micros()));
                let due = all.filter(Column::CardDueAt.gt(now.as_micros()));
                let due = due.filter(Column::CardDueAt.lte(until.as_micros()));
                due.filter(Column::CardState.eq("sending")).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    async fn sessions_of(&self, query: Select<Entity>, limit: u64) -> Result<Vec<AuthSession>, StoreError> {
        let rows = query.limit(Ord::min(limit, PAGE)).all(&self.reads).await?;
        Ok(readable(&rows, |row| session_row::decode(&self.vault, row)))
    }
}
