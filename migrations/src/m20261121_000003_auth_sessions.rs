//! `auth_sessions`: the asks. `open_key` is a hash of the subject while the session is pending and NULL afterwards; being
//! unique, it lets a subject have one pending session. `poll_due_at`, `card_due_at`, `exchanging_since` and
//! `expires_at` under `state` are where the jobs find their work without scanning.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CHECKS: [&str; 7] = [
    "state IN ('waiting', 'exchanging', 'completed', 'rejected', 'expired', 'mismatched', 'failed', 'cancelled')",
    "way IN ('redirect', 'device', 'paste')",
    "card_state IN ('none', 'sending', 'sent')",
    "(state IN ('waiting', 'exchanging')) = (ended_at IS NULL)",
    "(state IN ('waiting', 'exchanging')) = (open_key IS NOT NULL)",
    "(state = 'completed') = (grant_id IS NOT NULL)",
    "(state = 'exchanging') = (exchange_sealed IS NOT NULL)",
];

const INDEXES: [(&str, &[&str]); 7] = [
    ("auth_sessions_subject", &["app_id", "subject", "created_at"]),
    ("auth_sessions_state_expires", &["state", "expires_at"]),
    ("auth_sessions_exchanging", &["exchanging_since"]),
    ("auth_sessions_poll_due", &["poll_due_at"]),
    ("auth_sessions_card_due", &["card_due_at"]),
    ("auth_sessions_ended", &["ended_at"]),
    ("auth_sessions_created", &["created_at"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table(manager.get_database_backend())).await?;
        for (name, columns) in INDEXES {
            dialect::index(manager, "auth_sessions", name, columns).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("auth_sessions").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn table(backend: DbBackend) -> TableCreateStatement {
    let mut table = dialect::table(backend, "auth_sessions");
    table.col(dialect::word(backend, "id", 64).not_null().primary_key());
    asked(backend, &mut table);
    way(backend, &mut table);
    card(backend, &mut table);
    standing(backend, &mut table);
    for check in CHECKS {
        table.check(Expr::cust(check));
    }
    table
}

fn asked(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(dialect::word(backend, "app_id", 128).not_null())
        .col(dialect::word(backend, "subject", 128).not_null())
        .col(dialect::word(backend, "tenant", 128))
        .col(dialect::text(backend, "scopes").not_null())
        .col(dialect::text(backend, "requesters").not_null())
        .col(dialect::text(backend, "reason"))
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .col(ColumnDef::new("opened_at").big_integer());
}

fn way(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(dialect::word(backend, "way", 16).not_null())
        .col(dialect::blob(backend, "way_sealed"))
        .col(ColumnDef::new("poll_interval_secs").big_integer())
        .col(ColumnDef::new("next_poll_at").big_integer())
        .col(ColumnDef::new("poll_due_at").big_integer())
        .col(ColumnDef::new("attempts").big_integer().not_null());
}

fn card(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(dialect::word(backend, "card_state", 16).not_null())
        .col(ColumnDef::new("card_send_no").big_integer())
        .col(dialect::word(backend, "card_message", 128))
        .col(dialect::word(backend, "card_shown", 128))
        .col(ColumnDef::new("card_due_at").big_integer())
        .col(ColumnDef::new("with_card").boolean().not_null());
}

fn standing(backend: DbBackend, table: &mut TableCreateStatement) {
    table
        .col(dialect::word(backend, "state", 16).not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .col(dialect::word(backend, "grant_id", 64))
        .col(dialect::text(backend, "missing"))
        .col(dialect::word(backend, "failure", 64))
        .col(dialect::blob(backend, "exchange_sealed"))
        .col(ColumnDef::new("exchanging_since").big_integer())
        .col(dialect::word(backend, "open_key", 64).unique_key())
        .col(ColumnDef::new("version").big_integer().not_null());
}
