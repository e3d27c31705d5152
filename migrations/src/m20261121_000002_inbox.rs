//! `inbox`: the events that were taken, in the order of their coming, so that a repeated delivery is known.
//!
//! On SQLite nothing is indexed but the order: ids are random, so an index over them would rewrite one page per event.
//! There the one process that takes events keeps their ids in memory. Elsewhere several processes take events and a
//! unique key decides.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut table = dialect::table(backend, "inbox")
            .col(dialect::sequence(backend, "seq"))
            .col(dialect::word(backend, "app_id", 128).not_null())
            .col(dialect::word(backend, "event_id", 128).not_null())
            .col(dialect::word(backend, "event_type", 128).not_null())
            .col(ColumnDef::new("received_at").big_integer().not_null())
            .to_owned();
        if backend != DbBackend::Sqlite {
            table.index(Index::create().name("inbox_event").unique().col("app_id").col("event_id"));
        }
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("inbox").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
