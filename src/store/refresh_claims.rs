//! Who refreshes which grant: claims.
//!
//! A claim is the durable intent of the refresh protocol (see `domain::refresh`): it is on the disk before a byte of the
//! refresh token leaves, and it keeps others away until its lease ends. A claim is a compare-and-set on (consent,
//! generation, fence); the *save* of the pair that comes is not: whoever holds the successor of a generation may write it,
//! also when the lease has lapsed meanwhile (`Store::save_refreshed`). Leases go by the database's clock where there is one.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantStatus, GrantVersion};
use crate::domain::ids::{AppId, AttemptId, GrantId};
use crate::domain::refresh::Claim;
use crate::failpoint;
use crate::store::entity::grant::{ActiveModel, Column, Entity, Model};
use crate::store::grant_row::{self, IDLE, INTENT, UNCLEAR};
use crate::store::grants::at;
use crate::store::refresh_journal;
use crate::store::{Store, StoreError, suspensions};

/// When a grant that is suspended, or does not open, is looked at again.
const LATER: Duration = Duration::from_mins(10);

/// One try to refresh a grant: what its owner needs to name it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id in the journal.
    pub id: AttemptId,
    /// The process that tries: its name, and which start of it.
    pub owner: String,
    /// The grant.
    pub grant: GrantId,
    /// The generation that was found wanting.
    pub generation: i64,
}

/// The answer to a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The intent is on the disk.
    Won {
        /// The grant with the token to be spent.
        grant: Box<Grant>,
        /// How often this generation was or may have been sent, this time included.
        tries: u32,
    },
    /// It is not; why.
    Refused(Claim),
}

impl Store {
    /// Writes the intent to refresh, if the grant is still at the attempt's generation and nobody else is at it.
    pub async fn claim_refresh(
        &self,
        attempt: &Attempt,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let (attempt, vault) = (attempt.clone(), self.vault.clone());
        self.write(move |scope| {
            Box::pin(async move {
                let clock = scope.lease_now(now).await?;
                let row = Entity::find_by_id(attempt.grant.as_str()).one(&scope.tx).await?;
                let Some(row) = row else { return Ok(Claimed::Refused(Claim::Gone)) };
                if let Some((refused, due)) = refusal(&row, &attempt, clock, now)? {
                    put_off(&scope.tx, &row, due).await?;
                    return Ok(Claimed::Refused(refused));
                }
                if suspensions::holds(&scope.tx, &row.app_id, &row.subject).await? {
                    put_off(&scope.tx, &row, Some(now.plus(LATER))).await?;
                    return Ok(Claimed::Refused(Claim::Paused));
                }
                let Ok(grant) = grant_row::open(&vault, &row) else {
                    // The log has the column; what does not open must not be found due all the time.
                    put_off(&scope.tx, &row, Some(now.plus(LATER))).await?;
                    return Ok(Claimed::Refused(Claim::Paused));
                };
                let grant = Box::new(grant);
                let (version, tries) = (grant.facts.version, row.refresh_tries.saturating_add(1));
                let intent = ActiveModel {
                    refresh_fence: Set(row.refresh_fence + 1),
                    refresh_tries: Set(tries),
                    ..intended(&attempt, clock.plus(lease), now.plus(lease))
                };
                let mine = alive(&attempt.grant, version).add(Column::RefreshFence.eq(row.refresh_fence));
                let claimed = Entity::update_many().set(intent).filter(mine).exec(&scope.tx).await?;
                if claimed.rows_affected != 1 {
                    return Ok(Claimed::Refused(Claim::Busy));
                }
                refresh_journal::open(&scope.tx, &attempt, version, (row.refresh_fence + 1, tries), now).await?;
                failpoint::reach("c1");
                Ok(Claimed::Won { grant, tries: u32::try_from(tries).unwrap_or(u32::MAX) })
            })
        })
        .await
    }

    /// Gives a claim back. Only an unclear one counts as a try; nobody tries again for `pause`, and the next try by
    /// itself is after `due_in`.
    pub async fn release_refresh(
        &self,
        attempt: &Attempt,
        unclear: bool,
        pause: Duration,
        due_in: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (id, attempt) = (attempt.grant.clone(), attempt.id.clone());
        let state = if unclear { UNCLEAR } else { IDLE };
        let row = ActiveModel {
            refresh_state: Set(state.to_owned()),
            refresh_owner: Set(None),
            refresh_attempt: Set(None),
            refresh_due_at: Set(Some(now.plus(due_in).as_micros())),
            ..ActiveModel::default()
        };
        self.write(move |scope| {
            Box::pin(async move {
                let until = scope.lease_now(now).await?.plus(pause);
                let row = ActiveModel { refresh_until: Set(unclear.then_some(until.as_micros())), ..row };
                let mut mine = Entity::update_many().set(row).filter(Column::Id.eq(id.as_str()));
                if !unclear {
                    mine = mine.col_expr(Column::RefreshTries, Expr::col(Column::RefreshTries).sub(1));
                }
                let mine = mine.filter(Column::Status.eq("active"));
                mine.filter(Column::RefreshAttempt.eq(attempt.as_str())).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends the leases under `apps` of everybody but `owner` that are over at `until`: for a process that knows that all the
    /// others are dead. How many. A claim is due when its lease ends, so that they are found by index.
    pub async fn take_over_refreshes(
        &self,
        owner: &str,
        apps: &[AppId],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let left = left(owner, apps, until);
        let row = ActiveModel {
            refresh_state: Set(UNCLEAR.to_owned()),
            refresh_owner: Set(None),
            refresh_attempt: Set(None),
            refresh_until: Set(Some(now.as_micros())),
            refresh_due_at: Set(Some(now.as_micros())),
            ..ActiveModel::default()
        };
        self.write(move |scope| {
            Box::pin(
                async move { Ok(Entity::update_many().set(row).filter(left).exec(&scope.tx).await?.rows_affected) },
            )
        })
        .await
    }

    /// Notes that a caller was given a token of the present pair, so that the next one is refreshed ahead.
    pub async fn note_used(&self, grant: &Grant, now: Timestamp) -> Result<(), StoreError> {
        let mut facts = grant.facts.clone();
        // The pair may have been stored by a process whose clock is ahead.
        let used_at = now.max(facts.obtained_at);
        facts.used_at = Some(used_at);
        let row = ActiveModel { used_at: Set(Some(used_at.as_micros())), ..grant_row::planned(self.plan.next(&facts)) };
        self.write(move |scope| {
            Box::pin(async move {
                let same = alive(&facts.id, facts.version).add(Column::RefreshState.eq(IDLE));
                Entity::update_many().set(row).filter(same).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Claimed by others.
pub(super) fn left(owner: &str, apps: &[AppId], until: Timestamp) -> Condition {
    Condition::all()
        .add(Column::AppId.is_in(apps.iter().map(AppId::as_str)))
        .add(Column::RefreshDueAt.lte(until.as_micros()))
        .add(Column::RefreshOwner.ne(owner))
}

/// At this version, and not dead: an event may have ended it since it was read.
fn alive(id: &GrantId, version: GrantVersion) -> Condition {
    at(id, version).add(Column::Status.eq("active"))
}

/// Why the row cannot be claimed, and when it is found due next: leases go by `clock`, what is due by `now`.
fn refusal(
    row: &Model,
    attempt: &Attempt,
    clock: Timestamp,
    now: Timestamp,
) -> Result<Option<(Claim, Option<Timestamp>)>, StoreError> {
    let facts = grant_row::facts(row)?;
    let due = row.refresh_due_at.map(Timestamp::from_micros);
    if facts.version.generation > attempt.generation {
        return Ok(Some((Claim::Newer, due)));
    }
    if facts.status != GrantStatus::Active || !facts.refreshable {
        return Ok(Some((Claim::Dead, None)));
    }
    let left = row.refresh_until.map_or(Duration::ZERO, |until| Timestamp::from_micros(until).since(clock));
    let later = due.map(|due| due.max(now.plus(left)));
    Ok(match row.refresh_state.as_str() {
        INTENT if !left.is_zero() => Some((Claim::Busy, later)),
        UNCLEAR if !left.is_zero() => Some((Claim::Paused, later)),
        _ => None,
    })
}

/// Notes when the row is found due next, if that is not what it says already.
async fn put_off(tx: &DatabaseTransaction, row: &Model, due: Option<Timestamp>) -> Result<(), StoreError> {
    let due = due.map(Timestamp::as_micros);
    if row.refresh_due_at != due {
        let later = ActiveModel { refresh_due_at: Set(due), ..ActiveModel::default() };
        let same = Entity::update_many().set(later).filter(Column::Id.eq(row.id.as_str()));
        same.filter(Column::RefreshFence.eq(row.refresh_fence)).exec(tx).await?;
    }
    Ok(())
}

fn intended(attempt: &Attempt, until: Timestamp, due: Timestamp) -> ActiveModel {
    ActiveModel {
        refresh_state: Set(INTENT.to_owned()),
        refresh_owner: Set(Some(attempt.owner.clone())),
        refresh_attempt: Set(Some(attempt.id.as_str().to_owned())),
        refresh_until: Set(Some(until.as_micros())),
        // Found again when the lease is over, should nobody come back.
        refresh_due_at: Set(Some(due.as_micros())),
        ..ActiveModel::default()
    }
}
