//! The organisation that an app belongs to: the first one seen stays.

use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, TenantKey};
use crate::store::entity::pinned_tenant::{ActiveModel, Entity, Model};
use crate::store::row::RowId;
use crate::store::{Store, StoreError};

impl Store {
    /// Pins the app to `tenant`, unless it is pinned already; the one that it is pinned to.
    pub async fn pin_tenant(&self, app: &AppId, tenant: &TenantKey, now: Timestamp) -> Result<TenantKey, StoreError> {
        let (app, tenant) = (app.clone(), tenant.clone());
        self.write(move |scope| {
            Box::pin(async move {
                if let Some(pinned) = Entity::find_by_id(app.as_str()).one(&scope.tx).await? {
                    return decode(&pinned);
                }
                let row = ActiveModel {
                    app_id: Set(app.as_str().to_owned()),
                    tenant: Set(tenant.as_str().to_owned()),
                    pinned_at: Set(now.as_micros()),
                };
                Entity::insert(row).exec_without_returning(&scope.tx).await.map_err(StoreError::or_again)?;
                Ok(tenant)
            })
        })
        .await
    }

    /// The tenant that the app is pinned to.
    pub async fn pinned_tenant(&self, app: &AppId) -> Result<Option<TenantKey>, StoreError> {
        let row = Entity::find_by_id(app.as_str()).one(&self.reads).await?;
        row.map(|row| decode(&row)).transpose()
    }
}

fn decode(row: &Model) -> Result<TenantKey, StoreError> {
    RowId { table: "pinned_tenants", id: &row.app_id }.id("tenant", &row.tenant, TenantKey::parse)
}
