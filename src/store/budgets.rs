//! The platforms' rate limits, kept in the database so that all replicas together keep to them.
//!
//! Of a bucket its arrival time is stored (`domain::rate_limit`). Reserving moves it on by compare-and-set, so that of any
//! number of replicas each slot goes to one. A platform that says "too many" closes the bucket for all of them.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::domain::clock::Timestamp;
use crate::domain::rate_limit::{Limit, Reservation};
use crate::store::entity::rate_budget::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};

impl Store {
    /// Reserves up to `wanted` requests of this bucket.
    pub async fn reserve(
        &self,
        bucket: &str,
        limit: Limit,
        wanted: u32,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let bucket = bucket.to_owned();
        self.write(move |scope| {
            Box::pin(async move {
                let now = scope.lease_now(now).await?;
                let Some(known) = Entity::find_by_id(bucket.as_str()).one(&scope.tx).await? else {
                    let (reserved, arrival) = limit.reserve(wanted, now, now);
                    insert(&scope.tx, &bucket, arrival.as_micros()).await?;
                    return Ok(reserved);
                };
                if known.closed_until > now.as_micros() {
                    let wait = Timestamp::from_micros(known.closed_until).since(now);
                    return Ok(Reservation { granted: 0, wait });
                }
                let known_arrival = Timestamp::from_micros(known.arrival);
                let (reserved, arrival) = limit.reserve(wanted, known_arrival, now);
                // Also with nothing granted: what was written before the clock was set back holds no longer.
                let moved = arrival == known_arrival || advance(&scope.tx, &known, arrival.as_micros()).await?;
                Ok(if moved { reserved } else { Reservation { granted: 0, wait: limit.interval } })
            })
        })
        .await
    }

    /// Closes the bucket for everybody, for so long: the platform said so.
    pub async fn close_budget(&self, bucket: &str, pause: Duration, now: Timestamp) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.write(move |scope| {
            Box::pin(async move {
                let now = scope.lease_now(now).await?;
                let until = now.plus(pause);
                if Entity::find_by_id(bucket.as_str()).one(&scope.tx).await?.is_none() {
                    insert(&scope.tx, &bucket, now.as_micros()).await?;
                }
                let row = ActiveModel { closed_until: Set(until.as_micros()), ..ActiveModel::default() };
                let earlier = Entity::update_many().set(row).filter(Column::Bucket.eq(bucket));
                earlier.filter(Column::ClosedUntil.lt(until.as_micros())).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn insert(tx: &DatabaseTransaction, bucket: &str, arrival: i64) -> Result<(), StoreError> {
    let row = ActiveModel { bucket: Set(bucket.to_owned()), arrival: Set(arrival), closed_until: Set(0) };
    Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::or_again)?;
    Ok(())
}

async fn advance(tx: &DatabaseTransaction, known: &Model, arrival: i64) -> Result<bool, StoreError> {
    let row = ActiveModel { arrival: Set(arrival), ..ActiveModel::default() };
    let same = Entity::update_many().set(row).filter(Column::Bucket.eq(known.bucket.as_str()));
    let same = same.filter(Column::ClosedUntil.eq(known.closed_until));
    Ok(same.filter(Column::Arrival.eq(known.arrival)).exec(tx).await?.rows_affected == 1)
}
