//! `jobs`: what runs once over all replicas, when it is due next, who is at it, and what came of it. `grants.info_at`: when
//! the platform last said what the person is called; and an index by which grants that died long ago are found.

use sea_orm_migration::prelude::*;

use crate::dialect;

const DEAD: &str = "grants_dead_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let number = |name: &'static str| ColumnDef::new(name).big_integer().to_owned();
        let counter = |name: &'static str| number(name).not_null().default(0).to_owned();
        let mut table = dialect::table(backend, "jobs");
        table
            .col(dialect::word(backend, "name", 64).not_null().primary_key())
            .col(dialect::text(backend, "schedule").not_null())
            .col(number("due_at").not_null())
            // Who is at it, and until when nobody else is.
            .col(dialect::word(backend, "owner", 64))
            .col(number("lease_until"))
            .col(counter("run_no"))
            .col(number("started_at"))
            .col(number("ended_at"))
            .col(number("succeeded_at"))
            // What the last run that ended did, and why it failed if it did.
            .col(dialect::text(backend, "counts"))
            .col(dialect::text(backend, "error"))
            .col(counter("successes"))
            .col(counter("failures"))
            .col(counter("abandoned"));
        manager.create_table(table).await?;
        // MariaDB keeps the column of a run that broke off.
        if !manager.has_column("grants", "info_at").await? {
            let column = ColumnDef::new("info_at").big_integer().to_owned();
            manager.alter_table(Table::alter().table("grants").add_column(column).to_owned()).await?;
        }
        dialect::index(manager, "grants", DEAD, &["dead_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(DEAD).table("grants").to_owned()).await?;
        manager.alter_table(Table::alter().table("grants").drop_column("info_at").to_owned()).await?;
        manager.drop_table(Table::drop().table("jobs").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
