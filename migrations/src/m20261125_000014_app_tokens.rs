//! `app_tokens`: each app's own access token, sealed, so that a restart or another replica need not fetch one.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut table = dialect::table(backend, "app_tokens");
        table
            .col(dialect::word(backend, "app_id", 128).not_null().primary_key())
            .col(dialect::blob(backend, "token_sealed").not_null())
            .col(ColumnDef::new("usable_until").big_integer().not_null());
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("app_tokens").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
