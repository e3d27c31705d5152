//! `suspensions`: which people, and which apps as a whole, the platform has suspended. An app's row has an empty
//! `subject`. A lifted suspension stays for a while as `suspended = false`, so that an older event that comes late does
//! not bring it back.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut table = dialect::table(backend, "suspensions");
        table
            .col(dialect::word(backend, "app_id", 128).not_null())
            .col(dialect::word(backend, "subject", 128).not_null())
            .col(ColumnDef::new("suspended").boolean().not_null())
            .col(ColumnDef::new("happened_at").big_integer().not_null())
            .primary_key(Index::create().col("app_id").col("subject"));
        manager.create_table(table).await?;
        dialect::index(manager, "suspensions", "suspensions_lifted", &["suspended", "happened_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("suspensions").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
