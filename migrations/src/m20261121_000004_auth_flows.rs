//! `auth_flows`: the opened links of the redirect way. Of `state` and of the browser's cookie only hashes are kept.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("auth_flows")
            .if_not_exists()
            .col(ColumnDef::new("state_hash").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("auth_session_id").string_len(64).not_null())
            .col(ColumnDef::new("verifier_sealed").blob().not_null())
            .col(ColumnDef::new("cookie_hash").string_len(64).not_null())
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
        let index = Index::create()
            .name("auth_flows_session_created")
            .table("auth_flows")
            .if_not_exists()
            .col("auth_session_id")
            .col("created_at")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("auth_flows").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
