//! `grants`: when the end of the refresh token is to be told of next, null where there is nothing to tell; by it the job finds
//! the few that near their end.

use sea_orm_migration::prelude::*;

use crate::dialect;

const COLUMN: &str = "expiry_due_at";
const INDEX: &str = "grants_expiry_due";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MariaDB keeps the columns of a run that broke off.
        if !manager.has_column("grants", COLUMN).await? {
            let column = ColumnDef::new(COLUMN).big_integer().to_owned();
            manager.alter_table(Table::alter().table("grants").add_column(column).to_owned()).await?;
        }
        dialect::index(manager, "grants", INDEX, &[COLUMN]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("grants").to_owned()).await?;
        manager.alter_table(Table::alter().table("grants").drop_column(COLUMN).to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
