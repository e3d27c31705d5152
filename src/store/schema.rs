//! Brings the schema up to this program, or says why not; and proves that the keys are the ones that sealed what is there.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, EntityTrait};

use crate::store::entity::vault_key;
use crate::store::error::StoreError;
use crate::vault::{KeyId, Place, Vault};

/// What is sealed to prove a key.
const KNOWN: &[u8] = b"cardkey";

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

/// Compares each key with the proof that is stored for it, and stores proofs of keys that are new. A key that once
/// sealed here has to be in the keyring.
pub(super) async fn check_keys<C: ConnectionTrait>(db: &C, vault: &Vault) -> Result<(), StoreError> {
    let proven = vault_key::Entity::find().all(db).await?;
    for row in &proven {
        check_key(vault, row)?;
    }
    for key_id in vault.key_ids().map(KeyId::as_str) {
        if !proven.iter().any(|row| row.key_id == key_id) {
            let check = vault.seal_under(key_id, &place(key_id), KNOWN)?;
            let row = vault_key::ActiveModel { key_id: Set(key_id.to_owned()), check_sealed: Set(check.into()) };
            vault_key::Entity::insert(row).exec_without_returning(db).await?;
        }
    }
    Ok(())
}

fn check_key(vault: &Vault, row: &vault_key::Model) -> Result<(), StoreError> {
    let key_id = row.key_id.clone();
    if !vault.key_ids().any(|id| id.as_str() == key_id) {
        return Err(StoreError::MissingKey { key_id });
    }
    match vault.open(&place(&row.key_id), &row.check_sealed.clone().into_sealed()) {
        Ok(opened) if *opened == KNOWN => Ok(()),
        _ => Err(StoreError::WrongKey { key_id }),
    }
}

const fn place(key_id: &str) -> Place<'_> {
    Place { table: "vault_keys", row: key_id, field: "check_sealed", consent_no: 0, generation: 0 }
}
