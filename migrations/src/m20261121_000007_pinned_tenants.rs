//! `pinned_tenants`: the organisation that an app was first seen with; nobody else's events are taken for it.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = dialect::table(backend, "pinned_tenants")
            .col(dialect::word(backend, "app_id", 128).not_null().primary_key())
            .col(dialect::word(backend, "tenant", 128).not_null())
            .col(ColumnDef::new("pinned_at").big_integer().not_null())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("pinned_tenants").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
