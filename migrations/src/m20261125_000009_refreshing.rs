//! Refreshing: what a grant's row says of the refresh under way and of the next one, the journal of all refreshes, pairs
//! that were set aside, and the platforms' rate budgets that all replicas share.
//!
//! `refresh_due_at` is null where there is nothing to do, so that the index on it holds only what can become due.

use sea_orm_migration::prelude::*;

const DUE: &str = "grants_refresh_due";
const JOURNAL_AGE: &str = "refresh_journal_prepared";
const SET_ASIDE: &str = "quarantined_pairs_grant";

/// Columns of `grants`, in order.
const COLUMNS: [&str; 9] = [
    "refresh_state",
    "refresh_fence",
    "refresh_tries",
    "refresh_owner",
    "refresh_attempt",
    "refresh_until",
    "refresh_due_at",
    "refresh_deadline",
    "used_at",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            manager.alter_table(Table::alter().table("grants").add_column(column).to_owned()).await?;
        }
        manager.execute(backfill()).await?;
        let due = Index::create().name(DUE).table("grants").col("app_id").col("refresh_due_at").to_owned();
        manager.create_index(due).await?;
        manager.create_table(journal()).await?;
        let age = Index::create().name(JOURNAL_AGE).table("refresh_journal").col("prepared_at").to_owned();
        manager.create_index(age).await?;
        manager.create_table(quarantine()).await?;
        let aside = Index::create().name(SET_ASIDE).table("quarantined_pairs").col("grant_id").to_owned();
        manager.create_index(aside).await?;
        manager.create_table(budgets()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["rate_budgets", "quarantined_pairs", "refresh_journal"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.drop_index(Index::drop().name(DUE).table("grants").to_owned()).await?;
        for column in COLUMNS.iter().rev() {
            manager.alter_table(Table::alter().table("grants").drop_column(*column).to_owned()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn columns() -> Vec<ColumnDef> {
    vec![
        // idle, intent (a token is about to be, or was, sent) or unclear (it may have been spent).
        ColumnDef::new("refresh_state").string_len(16).not_null().default("idle").to_owned(),
        ColumnDef::new("refresh_fence").big_integer().not_null().default(0).to_owned(),
        ColumnDef::new("refresh_tries").integer().not_null().default(0).to_owned(),
        ColumnDef::new("refresh_owner").string_len(64).to_owned(),
        ColumnDef::new("refresh_attempt").string_len(64).to_owned(),
        // The end of the lease, or of the pause after an unclear outcome.
        ColumnDef::new("refresh_until").big_integer().to_owned(),
        ColumnDef::new("refresh_due_at").big_integer().to_owned(),
        // When it would be too late.
        ColumnDef::new("refresh_deadline").big_integer().to_owned(),
        ColumnDef::new("used_at").big_integer().to_owned(),
    ]
}

/// Grants of before: due when four fifths of the access token's life are over, which the first refresh puts right.
fn backfill() -> UpdateStatement {
    let due = "access_expires_at - (access_expires_at - obtained_at) / 5";
    Query::update()
        .table("grants")
        .value("refresh_due_at", Expr::cust(due))
        .value("refresh_deadline", Expr::col("access_expires_at"))
        .and_where(Expr::col("status").eq("active"))
        .and_where(Expr::col("refresh_sealed").is_not_null())
        .to_owned()
}

fn journal() -> TableCreateStatement {
    Table::create()
        .table("refresh_journal")
        .if_not_exists()
        .col(ColumnDef::new("attempt").string_len(64).not_null().primary_key())
        .col(ColumnDef::new("grant_id").string_len(64).not_null())
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(ColumnDef::new("fence").big_integer().not_null())
        .col(ColumnDef::new("tries").integer().not_null())
        .col(ColumnDef::new("owner").string_len(64).not_null())
        .col(ColumnDef::new("outcome").string_len(32))
        .col(ColumnDef::new("code").big_integer())
        .col(ColumnDef::new("prepared_at").big_integer().not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .to_owned()
}

fn quarantine() -> TableCreateStatement {
    Table::create()
        .table("quarantined_pairs")
        .if_not_exists()
        .col(ColumnDef::new("attempt").string_len(64).not_null().primary_key())
        .col(ColumnDef::new("grant_id").string_len(64).not_null())
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(ColumnDef::new("access_sealed").blob().not_null())
        .col(ColumnDef::new("refresh_sealed").blob())
        .col(ColumnDef::new("access_expires_at").big_integer().not_null())
        .col(ColumnDef::new("refresh_expires_at").big_integer())
        .col(ColumnDef::new("scopes").text().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .to_owned()
}

fn budgets() -> TableCreateStatement {
    Table::create()
        .table("rate_budgets")
        .if_not_exists()
        .col(ColumnDef::new("bucket").string_len(190).not_null().primary_key())
        // The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371).
        .col(ColumnDef::new("arrival").big_integer().not_null())
        .col(ColumnDef::new("closed_until").big_integer().not_null().default(0))
        .to_owned()
}
