//! `grants`: one row per subject with its pair of tokens. The sealed columns are bound to consent number and generation.

use sea_orm_migration::prelude::*;

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
        manager.create_table(table()).await?;
        let index = Index::create()
            .name("grants_app_status_access")
            .table("grants")
            .if_not_exists()
            .col("app_id")
            .col("status")
            .col("access_expires_at")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("grants").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn table() -> TableCreateStatement {
    let mut table = Table::create().table("grants").if_not_exists().to_owned();
    table.col(ColumnDef::new("id").string_len(64).not_null().primary_key());
    person(&mut table);
    tokens(&mut table);
    table
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("updated_at").big_integer().not_null())
        .index(Index::create().name("grants_subject").unique().col("app_id").col("subject"));
    for check in CHECKS {
        table.check(Expr::cust(check));
    }
    table
}

fn person(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("app_id").string_len(128).not_null())
        .col(ColumnDef::new("subject").string_len(128).not_null())
        .col(ColumnDef::new("tenant").string_len(128))
        .col(ColumnDef::new("name").text())
        .col(ColumnDef::new("mobile_sealed").blob())
        .col(ColumnDef::new("email_sealed").blob());
}

fn tokens(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(ColumnDef::new("status").string_len(16).not_null())
        .col(ColumnDef::new("scopes").text().not_null())
        .col(ColumnDef::new("access_sealed").blob().not_null())
        .col(ColumnDef::new("refresh_sealed").blob())
        .col(ColumnDef::new("obtained_at").big_integer().not_null())
        .col(ColumnDef::new("access_expires_at").big_integer().not_null())
        .col(ColumnDef::new("refresh_expires_at").big_integer())
        .col(ColumnDef::new("dead_code").big_integer())
        .col(ColumnDef::new("dead_at").big_integer());
}
