//! Refreshing: what a grant's row says of the refresh under way and of the next one, the journal of all refreshes, pairs
//! that were set aside, and the platforms' rate budgets that all replicas share.
//!
//! `refresh_due_at` is null where there is nothing to do, so that the index on it holds only what can become due.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

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
        let backend = manager.get_database_backend();
        for (name, column) in COLUMNS.into_iter().zip(columns(backend)) {
            // MariaDB keeps the columns of a run that broke off.
            if !manager.has_column("grants", name).await? {
                manager.alter_table(Table::alter().table("grants").add_column(column).to_owned()).await?;
            }
        }
        manager.execute(backfill()).await?;
        dialect::index(manager, "grants", DUE, &["app_id", "refresh_due_at"]).await?;
        manager.create_table(journal(backend)).await?;
        dialect::index(manager, "refresh_journal", JOURNAL_AGE, &["prepared_at"]).await?;
        manager.create_table(quarantine(backend)).await?;
        dialect::index(manager, "quarantined_pairs", SET_ASIDE, &["grant_id"]).await?;
        manager.create_table(budgets(backend)).await
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

fn columns(backend: DbBackend) -> [ColumnDef; 9] {
    [
        // idle, intent (a token is about to be, or was, sent) or unclear (it may have been spent).
        dialect::word(backend, "refresh_state", 16).not_null().default("idle").to_owned(),
        ColumnDef::new("refresh_fence").big_integer().not_null().default(0).to_owned(),
        ColumnDef::new("refresh_tries").integer().not_null().default(0).to_owned(),
        dialect::word(backend, "refresh_owner", 64),
        dialect::word(backend, "refresh_attempt", 64),
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

fn journal(backend: DbBackend) -> TableCreateStatement {
    dialect::table(backend, "refresh_journal")
        .col(dialect::word(backend, "attempt", 64).not_null().primary_key())
        .col(dialect::word(backend, "grant_id", 64).not_null())
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(ColumnDef::new("fence").big_integer().not_null())
        .col(ColumnDef::new("tries").integer().not_null())
        .col(dialect::word(backend, "owner", 64).not_null())
        .col(dialect::word(backend, "outcome", 32))
        .col(ColumnDef::new("code").big_integer())
        .col(ColumnDef::new("prepared_at").big_integer().not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .to_owned()
}

fn quarantine(backend: DbBackend) -> TableCreateStatement {
    dialect::table(backend, "quarantined_pairs")
        .col(dialect::word(backend, "attempt", 64).not_null().primary_key())
        .col(dialect::word(backend, "grant_id", 64).not_null())
        .col(ColumnDef::new("consent_no").big_integer().not_null())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .col(dialect::blob(backend, "access_sealed").not_null())
        .col(dialect::blob(backend, "refresh_sealed"))
        .col(ColumnDef::new("access_expires_at").big_integer().not_null())
        .col(ColumnDef::new("refresh_expires_at").big_integer())
        .col(dialect::text(backend, "scopes").not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .to_owned()
}

fn budgets(backend: DbBackend) -> TableCreateStatement {
    dialect::table(backend, "rate_budgets")
        .col(dialect::word(backend, "bucket", 190).not_null().primary_key())
        // The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371).
        .col(ColumnDef::new("arrival").big_integer().not_null())
        .col(ColumnDef::new("closed_until").big_integer().not_null().default(0))
        .to_owned()
}
