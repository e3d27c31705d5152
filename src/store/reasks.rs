//! Dead grants whose person is to be asked again: found by index, and asked once however many replicas look.
//!
//! A grant that dies is due. It is due no longer as soon as a session of the person is opened, by whomever: the claim
//! and the new session are one transaction, and only one of many gets the claim.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::auth_session::AuthSession;
use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantVersion;
use crate::domain::ids::{AppId, GrantId, Subject};
use crate::domain::scopes::ScopeSet;
use crate::store::entity::grant::{ActiveModel, Column, Entity, Model};
use crate::store::grant_row;
use crate::store::row::{RowId, micros, of_apps, readable};
use crate::store::sessions::{Open, Opening};
use crate::store::withdrawals::HEALED;
use crate::store::{PAGE, Store, StoreError};

/// A dead grant whose person nobody has asked since.
#[derive(Debug, Clone)]
pub struct DueReask {
    /// Whose it is.
    pub subject: Subject,
    /// What they were asked last; unknown of grants that are older than this being kept.
    pub asked: Option<LastAsked>,
    id: GrantId,
    version: GrantVersion,
}

/// What a person agreed to last.
#[derive(Debug, Clone)]
pub struct LastAsked {
    /// Who asked.
    pub requesters: Vec<String>,
    /// What for.
    pub reason: Option<String>,
    /// Which scopes.
    pub scopes: ScopeSet,
}

impl Store {
    /// Dead grants of these apps whose person is to be asked by now, the longest due first.
    pub async fn reasks_due(&self, apps: &[AppId], now: Timestamp, limit: u64) -> Result<Vec<DueReask>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ReaskDueAt.lte(now.as_micros()))
            .filter(of_apps(Column::AppId, apps))
            .order_by_asc(Column::ReaskDueAt)
            .limit(Ord::min(limit, PAGE))
            .all(&self.reads)
            .await?;
        Ok(readable(&rows, decode))
    }

    /// Puts the asking off, or leaves it to the next use of the grant.
    pub async fn put_reask_off(&self, due: &DueReask, until: Option<Timestamp>) -> Result<(), StoreError> {
        let due = due.clone();
        self.write(move |scope| {
            Box::pin(async move {
                due.put(&scope.tx, until).await?;
                Ok(())
            })
        })
        .await
    }

    /// Opens a session because the grant is dead; `None` if somebody has asked since it was found, or the grant is
    /// another one by now. If there is an open session it is the asking; if it is too early, it is put off.
    pub async fn reopen_session(
        &self,
        due: &DueReask,
        session: &AuthSession,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Option<Open>, StoreError> {
        let (due, opening) = (due.clone(), Opening::seal(&self.vault, session, per_minute, now)?);
        self.write(move |scope| {
            Box::pin(async move {
                if !due.put(&scope.tx, None).await? {
                    return Ok(None);
                }
                let open = opening.run(&scope.tx).await?;
                if let Open::TooMany { retry_after } = open {
                    due.restore(&scope.tx, now, retry_after).await?;
                }
                Ok(Some(open))
            })
        })
        .await
    }
}

impl DueReask {
    /// Whether it was still due.
    async fn put(&self, tx: &DatabaseTransaction, until: Option<Timestamp>) -> Result<bool, StoreError> {
        let update = Entity::update_many().col_expr(Column::ReaskDueAt, Expr::value(micros(until)));
        let due = self.row().add(Column::ReaskDueAt.is_not_null());
        Ok(update.filter(due).exec(tx).await?.rows_affected == 1)
    }

    async fn restore(&self, tx: &DatabaseTransaction, now: Timestamp, after: Duration) -> Result<(), StoreError> {
        let until = Expr::value(now.plus(after).as_micros());
        Entity::update_many().col_expr(Column::ReaskDueAt, until).filter(self.row()).exec(tx).await?;
        Ok(())
    }

    fn row(&self) -> Condition {
        Condition::all()
            .add(Column::Id.eq(self.id.as_str()))
            .add(Column::ConsentNo.eq(self.version.consent_no))
            .add(Column::Generation.eq(self.version.generation))
    }
}

/// The person has been asked, by whomever. Of a grant that is well again the question may be needless: that stays to be seen.
pub(super) async fn settle(tx: &DatabaseTransaction, subject: &Subject) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::ReaskDueAt, Expr::value(None::<i64>))
        .filter(Column::AppId.eq(subject.app.as_str()))
        .filter(Column::Subject.eq(subject.id.as_str()))
        .filter(Column::ReaskDueAt.lt(HEALED))
        .exec(tx)
        .await?;
    Ok(())
}

/// Keeps what the person has agreed to with their grant, which outlives the session.
pub(super) async fn remember(tx: &DatabaseTransaction, id: &GrantId, session: &AuthSession) -> Result<(), StoreError> {
    let row = ActiveModel {
        asked_by: Set(Some(serde_json::Value::from(session.requesters.clone()).to_string())),
        asked_reason: Set(session.reason.clone()),
        asked_scopes: Set(Some(session.scopes.to_string())),
        ..ActiveModel::default()
    };
    Entity::update_many().set(row).filter(Column::Id.eq(id.as_str())).exec(tx).await?;
    Ok(())
}

fn decode(row: &Model) -> Result<DueReask, StoreError> {
    let facts = grant_row::facts(row)?;
    let at = RowId { table: "grants", id: &row.id };
    let asked = match (&row.asked_by, &row.asked_scopes) {
        (Some(by), Some(scopes)) => Some(LastAsked {
            requesters: serde_json::from_str(by).map_err(|_| at.corrupt("asked_by"))?,
            reason: row.asked_reason.clone(),
            scopes: ScopeSet::from_list(scopes),
        }),
        _ => None,
    };
    Ok(DueReask { subject: facts.subject, asked, id: facts.id, version: facts.version })
}
