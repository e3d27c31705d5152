//! `session_keys`: the key that a login gave an app with a person, sealed, with the one before. The key of a row stands for the
//! app and the person, whose ids are too long together for a key in every database.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut table = dialect::table(backend, "session_keys");
        table
            .col(dialect::word(backend, "id", 64).not_null().primary_key())
            .col(dialect::word(backend, "app_id", 128).not_null())
            .col(dialect::word(backend, "subject", 128).not_null())
            .col(ColumnDef::new("version").big_integer().not_null())
            .col(dialect::blob(backend, "key_sealed").not_null())
            .col(dialect::blob(backend, "former_sealed"))
            .col(ColumnDef::new("changed_at").big_integer().not_null());
        manager.create_table(table).await?;
        dialect::index(manager, "session_keys", "session_keys_changed", &["changed_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("session_keys").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
