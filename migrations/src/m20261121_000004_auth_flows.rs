//! `auth_flows`: the opened links of the redirect way. Of `state` and of the browser's cookie only hashes are kept.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = dialect::table(backend, "auth_flows")
            .col(dialect::word(backend, "state_hash", 64).not_null().primary_key())
            .col(dialect::word(backend, "auth_session_id", 64).not_null())
            .col(dialect::blob(backend, "verifier_sealed").not_null())
            .col(dialect::word(backend, "cookie_hash", 64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("burnt").boolean().not_null())
            .foreign_key(
                ForeignKey::create()
                    .name("auth_flows_session")
                    .from("auth_flows", "auth_session_id")
                    .to("auth_sessions", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(table).await?;
        dialect::index(manager, "auth_flows", "auth_flows_session_created", &["auth_session_id", "created_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("auth_flows").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
