//! The platforms' rate limits, kept in the database so that all replicas together keep to them.
//!
//! The generic cell rate algorithm (ITU-T I.371): of a bucket only the *theoretical arrival time* is stored, the time at which
//! it would be empty again. Reserving moves it on by one interval per request, by compare-and-set, so that of any number of
//! replicas each slot goes to one. A platform that says "too many" closes the bucket for all of them.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::domain::clock::Timestamp;
use crate::store::entity::rate_budget::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};

/// How often requests may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many at once.
    pub burst: u32,
    /// One more after each of these.
    pub interval: Duration,
}

impl Limit {
    /// The largest limit that never exceeds `per_second` in any second and `per_minute` in any minute: two thirds of the
    /// smaller second's worth at once, what is left of the minute evenly.
    #[must_use]
    pub fn within(per_second: u32, per_minute: u32) -> Self {
        let burst = (per_second.min(per_minute) * 2 / 3).max(1);
        let even = per_minute.saturating_sub(burst).max(1);
        let by_minute = Duration::from_mins(1) / even;
        let by_second = Duration::from_secs(1) / per_second.saturating_sub(burst).max(1);
        Self { burst, interval: by_minute.max(by_second) }
    }

    fn micros(self) -> i64 {
        i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX).max(1)
    }
}

/// What was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// So many requests may be made now.
    pub granted: u32,
    /// If that is fewer than were asked for: there is more after this long.
    pub wait: Duration,
}

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
                    let (reserved, arrival) = reserve(limit, wanted, now.as_micros(), now.as_micros());
                    insert(&scope.tx, &bucket, arrival).await?;
                    return Ok(reserved);
                };
                if known.closed_until > now.as_micros() {
                    let wait = Timestamp::from_micros(known.closed_until).since(now);
                    return Ok(Reservation { granted: 0, wait });
                }
                let (reserved, arrival) = reserve(limit, wanted, known.arrival, now.as_micros());
                let moved = reserved.granted == 0 || advance(&scope.tx, &known, arrival).await?;
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

/// What may be had at `now` (microseconds), and the next arrival time.
fn reserve(limit: Limit, wanted: u32, arrival: i64, now: i64) -> (Reservation, i64) {
    let interval = limit.micros();
    let tolerance = interval.saturating_mul(i64::from(limit.burst));
    // It is never later than that, unless the clock was set back.
    let arrival = arrival.clamp(now, now.saturating_add(tolerance));
    let room = (tolerance - (arrival - now)) / interval;
    let granted = u32::try_from(room.clamp(0, i64::from(wanted))).unwrap_or(0);
    let next = arrival.saturating_add(interval.saturating_mul(i64::from(granted)));
    let wait = (next - now + interval - tolerance).max(0);
    (Reservation { granted, wait: Duration::from_micros(wait.unsigned_abs()) }, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of the requests goes out (microseconds), taken as soon as it may.
    fn greedy(limit: Limit, seconds: i64) -> Vec<i64> {
        let (mut sent, mut arrival, mut now) = (Vec::new(), 0, 0);
        while now < seconds * 1_000_000 {
            let (reserved, next) = reserve(limit, 1_000, arrival, now);
            sent.extend(std::iter::repeat_n(now, usize::try_from(reserved.granted).unwrap()));
            arrival = next;
            now += i64::try_from(reserved.wait.as_micros()).unwrap().max(1);
        }
        sent
    }

    fn most_in(sent: &[i64], window: i64) -> usize {
        let within = |start: &i64| sent.iter().filter(|at| (*start..*start + window).contains(at)).count();
        sent.iter().step_by(7).map(within).max().unwrap()
    }

    #[test]
    fn no_second_and_no_minute_holds_too_many() {
        for (second, minute) in [(50, 1_000), (20, 600), (1, 60), (10, 10), (100, 100)] {
            let sent = greedy(Limit::within(second, minute), 200);
            assert!(most_in(&sent, 1_000_000) <= usize::try_from(second).unwrap(), "{second} a second (I17)");
            assert!(most_in(&sent, 60_000_000) <= usize::try_from(minute).unwrap(), "{minute} a minute (I17)");
        }
    }

    #[test]
    fn nearly_all_of_the_limit_is_used() {
        let sent = greedy(Limit::within(50, 1_000), 600);
        assert!(sent.len() > 9_600, "{} of 10,000 in ten minutes", sent.len());
    }
}
