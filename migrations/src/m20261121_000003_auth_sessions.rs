//! `auth_sessions`: the asks. `open_key` is a hash of the subject while the session is pending and NULL afterwards; being
//! unique, it lets a subject have one pending session. `poll_due_at`, `card_due_at`, `exchanging_since` and
//! `expires_at` under `state` are where the jobs find their work without scanning.

use sea_orm_migration::prelude::*;

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
        manager.create_table(table()).await?;
        for (name, columns) in INDEXES {
            let mut index = Index::create().name(name).table("auth_sessions").if_not_exists().to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
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

fn table() -> TableCreateStatement {
    let mut table = Table::create().table("auth_sessions").if_not_exists().to_owned();
    table.col(ColumnDef::new("id").string_len(64).not_null().primary_key());
    asked(&mut table);
    way(&mut table);
    card(&mut table);
    standing(&mut table);
    for check in CHECKS {
        table.check(Expr::cust(check));
    }
    table
}

fn asked(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("app_id").string_len(128).not_null())
        .col(ColumnDef::new("subject").string_len(128).not_null())
        .col(ColumnDef::new("tenant").string_len(128))
        .col(ColumnDef::new("scopes").text().not_null())
        .col(ColumnDef::new("requesters").text().not_null())
        .col(ColumnDef::new("reason").text())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .col(ColumnDef::new("opened_at").big_integer());
}

fn way(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("way").string_len(16).not_null())
        .col(ColumnDef::new("way_sealed").blob())
        .col(ColumnDef::new("poll_interval_secs").big_integer())
        .col(ColumnDef::new("next_poll_at").big_integer())
        .col(ColumnDef::new("poll_due_at").big_integer())
        .col(ColumnDef::new("attempts").big_integer().not_null());
}

fn card(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("card_state").string_len(16).not_null())
        .col(ColumnDef::new("card_send_no").big_integer())
        .col(ColumnDef::new("card_message").string_len(128))
        .col(ColumnDef::new("card_shown").string_len(128))
        .col(ColumnDef::new("card_due_at").big_integer())
        .col(ColumnDef::new("with_card").boolean().not_null());
}

fn standing(table: &mut TableCreateStatement) {
    table
        .col(ColumnDef::new("state").string_len(16).not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .col(ColumnDef::new("grant_id").string_len(64))
        .col(ColumnDef::new("missing").text())
        .col(ColumnDef::new("failure").string_len(64))
        .col(ColumnDef::new("exchange_sealed").blob())
        .col(ColumnDef::new("exchanging_since").big_integer())
        .col(ColumnDef::new("open_key").string_len(64).unique_key())
        .col(ColumnDef::new("version").big_integer().not_null());
}
