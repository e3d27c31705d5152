//! Finding which grants are to be refreshed, by index: what it costs follows what is due, not what is stored.

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantVersion;
use crate::domain::ids::{AppId, GrantId, TenantKey};
use crate::store::entity::grant::{Column, Entity};
use crate::store::row::{RowId, readable};
use crate::store::{PAGE, Store, StoreError};

/// A grant whose refresh is due.
#[derive(Debug, Clone)]
pub struct DueGrant {
    /// The grant.
    pub id: GrantId,
    /// Its organisation.
    pub tenant: Option<TenantKey>,
    /// Its present pair.
    pub version: GrantVersion,
    /// When it would be too late.
    pub deadline: Timestamp,
}

impl Store {
    /// Grants of the app that are due at `now`, the longest due first.
    pub async fn due_grants(&self, app: &AppId, now: Timestamp, limit: u64) -> Result<Vec<DueGrant>, StoreError> {
        self.found(due(app, now, limit)).await
    }

    /// Grants of the app that are due at `now` and for which it is too late after `soon`, the earliest deadline first. It
    /// is not too late yet: what waited for longer is waited for by a caller, or by nobody.
    pub async fn urgent_grants(
        &self,
        app: &AppId,
        now: Timestamp,
        soon: Timestamp,
        limit: u64,
    ) -> Result<Vec<DueGrant>, StoreError> {
        self.found(urgent(app, now, soon, limit)).await
    }

    async fn found(&self, query: Select<Entity>) -> Result<Vec<DueGrant>, StoreError> {
        let rows = query.into_model::<DueRow>().all(&self.reads).await?;
        Ok(readable(&rows, due_grant))
    }
}

/// What is read of a grant that is due: the sealed values stay where they are.
#[derive(FromQueryResult)]
struct DueRow {
    id: String,
    tenant: Option<String>,
    consent_no: i64,
    generation: i64,
    access_expires_at: i64,
    refresh_deadline: Option<i64>,
}

const DUE_COLUMNS: [Column; 6] = [
    Column::Id,
    Column::Tenant,
    Column::ConsentNo,
    Column::Generation,
    Column::AccessExpiresAt,
    Column::RefreshDeadline,
];

/// By the index on app and due time.
pub(super) fn due(app: &AppId, now: Timestamp, limit: u64) -> Select<Entity> {
    all_due(app, now, limit).order_by_asc(Column::RefreshDueAt)
}

/// By the index on app and deadline.
pub(super) fn urgent(app: &AppId, now: Timestamp, soon: Timestamp, limit: u64) -> Select<Entity> {
    all_due(app, now, limit)
        .filter(Column::RefreshDeadline.gt(now.as_micros()))
        .filter(Column::RefreshDeadline.lte(soon.as_micros()))
        .order_by_asc(Column::RefreshDeadline)
}

fn all_due(app: &AppId, now: Timestamp, limit: u64) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns(DUE_COLUMNS)
        .filter(Column::AppId.eq(app.as_str()))
        .filter(Column::RefreshDueAt.lte(now.as_micros()))
        .limit(Ord::min(limit, PAGE))
}

fn due_grant(row: &DueRow) -> Result<DueGrant, StoreError> {
    let at = RowId { table: "grants", id: &row.id };
    Ok(DueGrant {
        id: at.id("id", &row.id, GrantId::parse)?,
        tenant: at.maybe_id("tenant", row.tenant.as_deref(), TenantKey::parse)?,
        version: GrantVersion { consent_no: row.consent_no, generation: row.generation },
        deadline: Timestamp::from_micros(row.refresh_deadline.unwrap_or(row.access_expires_at)),
    })
}
