//! Cardkey's database schema, as history. Never imports the gateway's code: what is written here stays as it is, and a
//! change is a new file.
//!
//! The schema keeps to what SQLite, PostgreSQL and MariaDB do alike: times are BIGINT microseconds since 1970 UTC, keys
//! are at most 190 characters, a partial unique index is a nullable unique column, flags are words with a check.
//! What differs between the databases is in [`dialect`]. A migration's name is its file's name: never rename one.

mod dialect;
mod m20261121_000001_vault_keys;
mod m20261121_000002_inbox;
mod m20261121_000003_auth_sessions;
mod m20261121_000004_auth_flows;
mod m20261121_000005_grants;
mod m20261121_000006_api_keys;
mod m20261121_000007_pinned_tenants;
mod m20261121_000008_card_wanted_at;
mod m20261125_000009_refreshing;
mod m20261125_000010_suspensions;
mod m20261125_000011_reasks;
mod m20261125_000012_jobs;
mod m20261125_000013_identities;
mod m20261125_000014_app_tokens;
mod m20261125_000015_expiry_watch;
mod m20261125_000016_urgent_refreshes;
mod m20261125_000017_let_go;
mod m20261125_000018_platform_codes;
mod m20261125_000019_session_keys;

use std::collections::BTreeSet;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All migrations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_vault_keys::Migration),
            Box::new(m20261121_000002_inbox::Migration),
            Box::new(m20261121_000003_auth_sessions::Migration),
            Box::new(m20261121_000004_auth_flows::Migration),
            Box::new(m20261121_000005_grants::Migration),
            Box::new(m20261121_000006_api_keys::Migration),
            Box::new(m20261121_000007_pinned_tenants::Migration),
            Box::new(m20261121_000008_card_wanted_at::Migration),
            Box::new(m20261125_000009_refreshing::Migration),
            Box::new(m20261125_000010_suspensions::Migration),
            Box::new(m20261125_000011_reasks::Migration),
            Box::new(m20261125_000012_jobs::Migration),
            Box::new(m20261125_000013_identities::Migration),
            Box::new(m20261125_000014_app_tokens::Migration),
            Box::new(m20261125_000015_expiry_watch::Migration),
            Box::new(m20261125_000016_urgent_refreshes::Migration),
            Box::new(m20261125_000017_let_go::Migration),
            Box::new(m20261125_000018_platform_codes::Migration),
            Box::new(m20261125_000019_session_keys::Migration),
        ]
    }
}

/// How a database stands to the migrations of this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// Migrations that are not applied yet, in order.
    pub pending: Vec<String>,
    /// Migrations that are applied and that this program does not know: a newer program was here.
    pub unknown: Vec<String>,
}

/// Compares the database with the migrations of this program, without changing anything.
pub async fn state(db: &sea_orm_migration::sea_orm::DatabaseConnection) -> Result<SchemaState, DbErr> {
    let applied = dialect::applied(db).await?;
    let known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let names: BTreeSet<&String> = known.iter().collect();
    let unknown = applied.iter().filter(|name| !names.contains(name)).cloned().collect();
    let pending = known.iter().filter(|name| !applied.contains(*name)).cloned().collect();
    Ok(SchemaState { pending, unknown })
}
