//! `grants`: when the platform is to be asked next whose a refreshed pair is, null once it is known; by it the job finds
//! what was not asked yet. `quarantined_pairs`: whose a pair is that turned out to be another person's.

use sea_orm_migration::prelude::*;

use crate::dialect;

const INDEX: &str = "grants_identity_due";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("grants", "identity_due_at", ColumnDef::new("identity_due_at").big_integer().to_owned()),
            ("quarantined_pairs", "subject", dialect::word(manager.get_database_backend(), "subject", 128)),
        ];
        for (table, name, column) in columns {
            // MariaDB keeps the columns of a run that broke off.
            if !manager.has_column(table, name).await? {
                manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
            }
        }
        dialect::index(manager, "grants", INDEX, &["identity_due_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("grants").to_owned()).await?;
        for (table, name) in [("quarantined_pairs", "subject"), ("grants", "identity_due_at")] {
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
