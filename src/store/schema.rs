//! Brings the schema up to this program, or says why not.

use migrations::{Migrator, MigratorTrait};
use sea_orm::DatabaseConnection;

use crate::store::error::StoreError;

/// Checks the schema and applies what is pending, if that is wanted. The caller holds the schema lock.
pub(super) async fn ready(db: &DatabaseConnection, migrate: bool) -> Result<(), StoreError> {
    let state = migrations::state(db).await?;
    if let Some(migration) = state.unknown.first() {
        return Err(StoreError::NewerSchema { migration: migration.clone() });
    }
    match state.pending.len() {
        0 => Ok(()),
        pending if !migrate => Err(StoreError::PendingMigrations { pending }),
        pending => {
            tracing::info!(pending, "bringing the database's schema up to date");
            Ok(Migrator::up(db, None).await?)
        }
    }
}
