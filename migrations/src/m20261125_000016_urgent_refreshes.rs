//! An index on the deadlines of refreshes: what is urgent is found past everything that is only due.

use sea_orm_migration::prelude::*;

use crate::dialect;

const INDEX: &str = "grants_refresh_deadline";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::index(manager, "grants", INDEX, &["app_id", "refresh_deadline"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("grants").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
