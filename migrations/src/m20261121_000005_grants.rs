//! `grants`: one row per subject with its pair of tokens. The sealed columns are bound to consent number and generation.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CHECKS: [&str; 4] = [
    "status IN ('active', 'needs_consent')",
    "consent_no >= 1 AND generation >= consent_no",
    "(status = 'needs_consent') = (dead_at IS NOT NULL)",
    "refresh_expires_at IS NULL OR refresh_sealed IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table(manager.get_database_backend())).await?;
        dialect::index(manager, "grants", "grants_app_status_access", &["app_id", "status", "access_expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("grants").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn table(backend: DbBackend) -> TableCreateStatement {
    let mut table = dialect::table(backend, "grants");
    table.col(dialect::word(backend, "id", 64).not_null().primary_key());
    person(backend, &mut table);
    tokens(backend, &mut table);
    table
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("updated_at").big_integer().not_null())
        .index(Index::create().name("grants_subject").unique().col("app_id").col("subject"));
    for check in CHECKS {
        table.check(Expr::cust(check));
    }
    table
}

fn person(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(dialect::word(backend, "app_id", 128).not_null())
        .col(dialect::word(backend, "subject", 128).not_null())
        .col(dialect::word(backend, "tenant", 128))
        .col(dialect::text(backend, "name"))
        .col(dialect::blob(backend, "mobile_sealed"))
        .col(dialect::blob(backend, "email_sealed"));
}

fn tokens(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(dialect::word(backend, "status", 16).not_null())
        .col(dialect::text(backend, "scopes").not_null())
        .col(dialect::blob(backend, "access_sealed").not_null())
        .col(dialect::blob(backend, "refresh_sealed"))
        .col(ColumnDef::new("obtained_at").big_integer().not_null())
        .col(ColumnDef::new("access_expires_at").big_integer().not_null())
        .col(ColumnDef::new("refresh_expires_at").big_integer())
        .col(ColumnDef::new("dead_code").big_integer())
        .col(ColumnDef::new("dead_at").big_integer());
}
