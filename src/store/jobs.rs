//! Jobs that run once over all replicas: who runs which, and what came of it.
//!
//! When a job is due goes by the clock of who looks: a schedule is a matter of the wall clock, and processes whose clocks
//! differ run it a little early, but once, since its end puts the next run off. Who may run it goes by a lease, by the
//! database's clock where there is one, and by the number of the run: a claim is a compare-and-set on it, and whoever has
//! lost the run can neither keep nor end it. A run leaves the due time as it is until it ends, so that a run whose
//! process dies is taken up by another one after the lease.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::clock::Timestamp;
use crate::domain::job::{Counts, Schedule};
use crate::store::entity::job::{ActiveModel, Column, Entity, Model};
use crate::store::row::{RowId, timestamp};
use crate::store::{Store, StoreError};

/// A job as the database knows it.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// Its name.
    pub name: String,
    /// Its schedule in words.
    pub schedule: String,
    /// When it runs next.
    pub due_at: Timestamp,
    /// Who is at it, or was when it died.
    pub owner: Option<String>,
    /// Until when it is theirs; they are taken to be dead after it.
    pub lease_until: Option<Timestamp>,
    /// When its last run began.
    pub started_at: Option<Timestamp>,
    /// When a run ended last.
    pub ended_at: Option<Timestamp>,
    /// When a run succeeded last.
    pub succeeded_at: Option<Timestamp>,
    /// What the last successful run did.
    pub counts: BTreeMap<String, u64>,
    /// Why the last run that ended failed, if it did.
    pub error: Option<String>,
    /// Runs that succeeded.
    pub successes: i64,
    /// Runs that failed.
    pub failures: i64,
    /// Runs whose process died or lost its lease.
    pub abandoned: i64,
}

/// The right to run a job once.
#[derive(Debug, Clone)]
pub struct JobClaim {
    name: String,
    run_no: i64,
    /// Whether another process was at it and is taken to be dead.
    pub taken_over: bool,
}

/// The answer to a claim.
#[derive(Debug)]
pub enum ClaimedJob {
    /// Run it.
    Won(JobClaim),
    /// It is not time, or there is no such job.
    NotDue,
    /// Somebody is at it.
    Busy,
}

impl Store {
    /// Makes the job known, if it is not.
    pub async fn add_job(&self, name: &'static str, schedule: &Schedule, now: Timestamp) -> Result<(), StoreError> {
        let row = ActiveModel {
            name: Set(name.to_owned()),
            schedule: Set(schedule.to_string()),
            due_at: Set(schedule.first(now).as_micros()),
            ..ActiveModel::default()
        };
        self.write(move |scope| {
            Box::pin(async move {
                if Entity::find_by_id(name).one(&scope.tx).await?.is_none() {
                    let added = Entity::insert(row).exec_without_returning(&scope.tx).await;
                    added.map_err(StoreError::or_again)?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Gives the job another schedule, if it has another one; from now on it is due by that.
    pub async fn reschedule_job(
        &self,
        name: &'static str,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (text, due) = (schedule.to_string(), schedule.next(now));
        let row = ActiveModel { schedule: Set(text.clone()), due_at: Set(due.as_micros()), ..ActiveModel::default() };
        self.write(move |scope| {
            Box::pin(async move {
                let other = Entity::update_many().set(row).filter(Column::Name.eq(name));
                other.filter(Column::Schedule.ne(text)).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// All jobs, by name.
    pub async fn jobs(&self) -> Result<Vec<JobRecord>, StoreError> {
        Entity::find().order_by_asc(Column::Name).all(&self.reads).await?.into_iter().map(decode).collect()
    }

    /// Claims the run that is due, or with `at_once` a run that nobody waits for. For `lease` it is nobody else's.
    pub async fn claim_job(
        &self,
        name: &'static str,
        owner: &str,
        lease: Duration,
        at_once: bool,
        now: Timestamp,
    ) -> Result<ClaimedJob, StoreError> {
        let owner = owner.to_owned();
        self.write(move |scope| {
            Box::pin(async move {
                let Some(row) = Entity::find_by_id(name).one(&scope.tx).await? else { return Ok(ClaimedJob::NotDue) };
                if !at_once && row.due_at > now.as_micros() {
                    return Ok(ClaimedJob::NotDue);
                }
                let clock = scope.lease_now(now).await?;
                if row.owner.is_some() && row.lease_until.is_some_and(|until| until > clock.as_micros()) {
                    return Ok(ClaimedJob::Busy);
                }
                let (run_no, taken_over) = (row.run_no + 1, row.owner.is_some());
                let run = ActiveModel {
                    owner: Set(Some(owner)),
                    lease_until: Set(Some(clock.plus(lease).as_micros())),
                    run_no: Set(run_no),
                    started_at: Set(Some(now.as_micros())),
                    abandoned: Set(row.abandoned + i64::from(taken_over)),
                    ..ActiveModel::default()
                };
                let free = Entity::update_many().set(run).filter(as_read(&row));
                let won = free.exec(&scope.tx).await?.rows_affected == 1;
                let claim = JobClaim { name: name.to_owned(), run_no, taken_over };
                Ok(if won { ClaimedJob::Won(claim) } else { ClaimedJob::Busy })
            })
        })
        .await
    }

    /// Keeps the run for another `lease`; whether it was still this process's.
    pub async fn keep_job(&self, claim: &JobClaim, lease: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let claim = claim.clone();
        self.write(move |scope| {
            Box::pin(async move {
                let until = scope.lease_now(now).await?.plus(lease);
                let row = ActiveModel { lease_until: Set(Some(until.as_micros())), ..ActiveModel::default() };
                let kept = Entity::update_many().set(row).filter(claim.mine()).exec(&scope.tx).await?;
                Ok(kept.rows_affected == 1)
            })
        })
        .await
    }

    /// Ends the run with what it did, or why it failed; the next one is at `due`. Whether it was still this process's.
    pub async fn end_job(
        &self,
        claim: &JobClaim,
        outcome: &Result<Counts, String>,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (claim, now) = (claim.clone(), now.as_micros());
        let row = ActiveModel { due_at: Set(due.as_micros()), ended_at: Set(Some(now)), ..given_back() };
        let (row, counter) = match outcome {
            Ok(counts) => (
                ActiveModel { succeeded_at: Set(Some(now)), counts: Set(Some(text(counts))), error: Set(None), ..row },
                Column::Successes,
            ),
            Err(error) => (ActiveModel { error: Set(Some(error.clone())), ..row }, Column::Failures),
        };
        self.write(move |scope| {
            Box::pin(async move {
                let ended = Entity::update_many().set(row).col_expr(counter, Expr::col(counter).add(1));
                Ok(ended.filter(claim.mine()).exec(&scope.tx).await?.rows_affected == 1)
            })
        })
        .await
    }

    /// Gives the run back unfinished: it is due as it was, for whoever comes.
    pub async fn give_job_back(&self, claim: &JobClaim) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write(move |scope| {
            Box::pin(async move {
                Entity::update_many().set(given_back()).filter(claim.mine()).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }
}

impl JobClaim {
    fn mine(&self) -> Condition {
        let run = Condition::all().add(Column::Name.eq(self.name.as_str())).add(Column::RunNo.eq(self.run_no));
        run.add(Column::Owner.is_not_null())
    }
}

fn given_back() -> ActiveModel {
    ActiveModel { owner: Set(None), lease_until: Set(None), ..ActiveModel::default() }
}

/// Nobody has claimed, kept or ended a run since the row was read.
fn as_read(row: &Model) -> Condition {
    let lease = match row.lease_until {
        Some(until) => Column::LeaseUntil.eq(until),
        None => Column::LeaseUntil.is_null(),
    };
    Condition::all().add(Column::Name.eq(row.name.as_str())).add(Column::RunNo.eq(row.run_no)).add(lease)
}

fn text(counts: &Counts) -> String {
    let counts: BTreeMap<&str, u64> = counts.iter().copied().collect();
    serde_json::json!(counts).to_string()
}

fn decode(row: Model) -> Result<JobRecord, StoreError> {
    let at = RowId { table: "jobs", id: &row.name };
    let counts = row.counts.as_deref().map(serde_json::from_str).transpose();
    let counts = counts.map_err(|_| at.corrupt("counts"))?.unwrap_or_default();
    Ok(JobRecord {
        counts,
        schedule: row.schedule,
        due_at: Timestamp::from_micros(row.due_at),
        owner: row.owner,
        lease_until: timestamp(row.lease_until),
        started_at: timestamp(row.started_at),
        ended_at: timestamp(row.ended_at),
        succeeded_at: timestamp(row.succeeded_at),
        error: row.error,
        successes: row.successes,
        failures: row.failures,
        abandoned: row.abandoned,
        name: row.name,
    })
}
