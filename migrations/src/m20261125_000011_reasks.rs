//! `grants`: what the person was asked last, kept for when they have to be asked again, and since when that is due. By
//! `reask_due_at` the job finds the dead grants whose person nobody has asked yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

const INDEX: &str = "grants_reask_due";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 4] = ["asked_by", "asked_reason", "asked_scopes", "reask_due_at"];

fn columns(backend: DbBackend) -> [ColumnDef; 4] {
    let text = |name: &'static str| dialect::text(backend, name);
    [
        text("asked_by"),
        text("asked_reason"),
        text("asked_scopes"),
        ColumnDef::new("reask_due_at").big_integer().to_owned(),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One by one: not every database takes several in one statement.
        for (name, column) in COLUMNS.into_iter().zip(columns(manager.get_database_backend())) {
            // MariaDB keeps the columns of a run that broke off.
            if !manager.has_column("grants", name).await? {
                manager.alter_table(Table::alter().table("grants").add_column(column).to_owned()).await?;
            }
        }
        dialect::index(manager, "grants", INDEX, &["reask_due_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("grants").to_owned()).await?;
        for name in COLUMNS {
            manager.alter_table(Table::alter().table("grants").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
