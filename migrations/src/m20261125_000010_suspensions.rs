//! `suspensions`: which people, and which apps as a whole, the platform has suspended. An app's row has an empty
//! `subject`. A lifted suspension stays for a while as `suspended = false`, so that an older event that comes late does
//! not bring it back.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create().table("suspensions").if_not_exists().to_owned();
        table
            .col(ColumnDef::new("app_id").string_len(128).not_null())
            .col(ColumnDef::new("subject").string_len(128).not_null())
            .col(ColumnDef::new("suspended").boolean().not_null())
            .col(ColumnDef::new("happened_at").big_integer().not_null())
            .primary_key(Index::create().col("app_id").col("subject"));
        manager.create_table(table).await?;
        let index = Index::create()
            .name("suspensions_lifted")
            .table("suspensions")
            .if_not_exists()
            .col("suspended")
            .col("happened_at")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("suspensions").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
