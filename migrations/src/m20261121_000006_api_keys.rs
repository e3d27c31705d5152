//! `api_keys`: the callers. Of a key's secret half only a mac is kept, with the id of the key that made it.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = dialect::table(backend, "api_keys")
            .col(dialect::word(backend, "id", 64).not_null().primary_key())
            .col(dialect::text(backend, "name").not_null())
            .col(dialect::text(backend, "apps").not_null())
            .col(dialect::text(backend, "scopes").not_null())
            .col(dialect::word(backend, "secret_mac", 64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("revoked_at").big_integer())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("api_keys").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
