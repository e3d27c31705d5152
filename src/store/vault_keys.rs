//! The proofs of the keys: which keys have sealed something here, and that they are the ones of the ring.
//!
//! Only a key that seals has a proof, and from then on the database is not opened without it. A gateway takes a new
//! first key up when it starts; a command that runs beside it does not, so that the proof also says that whatever
//! gateway was started last knows the key.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::store::entity::vault_key::{ActiveModel, Column, Entity, Model};
use crate::store::error::StoreError;
use crate::vault::{KeyId, Place, Vault};

/// What is sealed to prove a key.
const KNOWN: &[u8] = b"cardkey";

/// Checks the keys. A database without any proof is new: its first key is taken up.
pub(super) async fn check<C: ConnectionTrait>(db: &C, vault: &Vault) -> Result<(), StoreError> {
    match verify(db, vault).await? {
        0 => take_up(db, vault).await,
        _ => Ok(()),
    }
}

/// Compares the keys with the proofs that are stored, and says how many there are. A key that once sealed here has to
/// be in the keyring.
pub(super) async fn verify<C: ConnectionTrait>(db: &C, vault: &Vault) -> Result<usize, StoreError> {
    let proven = Entity::find().all(db).await?;
    proven.iter().try_for_each(|row| check_one(vault, row))?;
    Ok(proven.len())
}

fn check_one(vault: &Vault, row: &Model) -> Result<(), StoreError> {
    let key_id = row.key_id.clone();
    if !vault.key_ids().any(|id| id.as_str() == key_id) {
        return Err(StoreError::MissingKey { key_id });
    }
    match vault.open(&place(&row.key_id), &row.check_sealed.clone().into_sealed()) {
        Ok(opened) if *opened == KNOWN => Ok(()),
        _ => Err(StoreError::WrongKey { key_id }),
    }
}

/// Stores the proof of the ring's first key, unless it is there.
pub(super) async fn take_up<C: ConnectionTrait>(db: &C, vault: &Vault) -> Result<(), StoreError> {
    let key_id = vault.sealing_id();
    if is_known(db, key_id).await? {
        return Ok(());
    }
    let check = vault.seal(&place(key_id.as_str()), KNOWN)?;
    let row = ActiveModel { key_id: Set(key_id.to_string()), check_sealed: Set(check.into()) };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Whether there is a proof of this key.
pub(super) async fn is_known<C: ConnectionTrait>(db: &C, key_id: &KeyId) -> Result<bool, StoreError> {
    Ok(Entity::find_by_id(key_id.as_str()).one(db).await?.is_some())
}

/// Deletes the proofs of these keys.
pub(super) async fn forget<C: ConnectionTrait>(db: &C, key_ids: Vec<String>) -> Result<(), StoreError> {
    Entity::delete_many().filter(Column::KeyId.is_in(key_ids)).exec(db).await?;
    Ok(())
}

const fn place(key_id: &str) -> Place<'_> {
    Place { table: "vault_keys", row: key_id, field: "check_sealed", consent_no: 0, generation: 0 }
}
