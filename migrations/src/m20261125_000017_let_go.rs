//! `auth_sessions.let_go_at`: when the platform took away what the person had granted, while the session was open. Callers that
//! wait then are let go by every process, and the session stays open.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MariaDB keeps the column of a run that broke off.
        if manager.has_column("auth_sessions", "let_go_at").await? {
            return Ok(());
        }
        let column = ColumnDef::new("let_go_at").big_integer().to_owned();
        manager.alter_table(Table::alter().table("auth_sessions").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("auth_sessions").drop_column("let_go_at").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
