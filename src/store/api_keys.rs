//! The callers' keys. Of the secret half a mac is kept that binds it to its key's id.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::caller::{ApiKey, Caller};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApiKeyId, AppId};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::store::entity::api_key::{ActiveModel, Column, Entity, Model};
use crate::store::row::{RowId, timestamp};
use crate::store::{Store, StoreError};
use crate::vault::{KeyId, Mac, Vault};

const PURPOSE: &str = "api-key";

/// What is kept of a key's secret half.
#[derive(Debug, Clone)]
pub struct SecretHash {
    key: ApiKeyId,
    mac: Mac,
}

impl SecretHash {
    /// The hash of a key's secret half.
    #[must_use]
    pub fn of(vault: &Vault, key: &ApiKeyId, secret: &Secret) -> Self {
        Self { key: key.clone(), mac: vault.mac(PURPOSE, &input(key, secret)) }
    }

    /// Whether `secret` is the key's secret half. Takes the same time whatever it is.
    #[must_use]
    pub fn matches(&self, vault: &Vault, secret: &Secret) -> bool {
        vault.verify_mac(PURPOSE, &input(&self.key, secret), &self.mac)
    }
}

fn input(key: &ApiKeyId, secret: &Secret) -> zeroize::Zeroizing<Vec<u8>> {
    crate::store::packed::pack(&[key.as_str(), secret.expose()])
}

impl Store {
    /// Stores a new key.
    pub async fn create_api_key(&self, key: &ApiKey, secret: &Secret) -> Result<(), StoreError> {
        let row = encode(key, &SecretHash::of(&self.vault, &key.caller.key, secret));
        self.write(move |scope| {
            Box::pin(async move {
                Entity::insert(row).exec_without_returning(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// The key of this id, revoked or not.
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<Option<(ApiKey, SecretHash)>, StoreError> {
        let row = Entity::find_by_id(id.as_str()).one(&self.reads).await?;
        row.map(|row| decode(&row)).transpose()
    }

    /// Whether `secret` is the one that the hash was made of.
    #[must_use]
    pub fn verify_api_key(&self, hash: &SecretHash, secret: &Secret) -> bool {
        hash.matches(&self.vault, secret)
    }

    /// Binds the key to the ring's first key, if it is bound to an older one still; only now its secret is known. The
    /// caller has verified it.
    pub async fn rebind_api_key(&self, hash: &SecretHash, secret: &Secret) -> Result<bool, StoreError> {
        if hash.mac.key_id == *self.vault.sealing_id() {
            return Ok(false);
        }
        let (id, old) = (hash.key.as_str().to_owned(), hash.mac.to_text());
        let new = SecretHash::of(&self.vault, &hash.key, secret).mac.to_text();
        self.write(move |scope| {
            Box::pin(async move {
                let rebound = ActiveModel { secret_mac: Set(new), ..ActiveModel::default() };
                let update = Entity::update_many().set(rebound).filter(Column::Id.eq(id));
                Ok(update.filter(Column::SecretMac.eq(old)).exec(&scope.tx).await?.rows_affected == 1)
            })
        })
        .await
    }

    /// With which key of the ring each API key that is not revoked is checked.
    pub(super) async fn api_key_bindings(&self) -> Result<Vec<(KeyId, ApiKeyId)>, StoreError> {
        let rows = Entity::find().filter(Column::RevokedAt.is_null()).all(&self.reads).await?;
        rows.iter().map(|row| decode(row).map(|(key, hash)| (hash.mac.key_id, key.caller.key))).collect()
    }

    /// All keys, the oldest first.
    pub async fn list_api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(&self.reads).await?;
        rows.iter().map(|row| Ok(decode(row)?.0)).collect()
    }

    /// Revokes the key; whether it was good until now.
    pub async fn revoke_api_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.as_str().to_owned();
        self.write(move |scope| {
            Box::pin(async move {
                let revoked = ActiveModel { revoked_at: Set(Some(now.as_micros())), ..ActiveModel::default() };
                let update = Entity::update_many().set(revoked).filter(Column::Id.eq(id));
                Ok(update.filter(Column::RevokedAt.is_null()).exec(&scope.tx).await?.rows_affected == 1)
            })
        })
        .await
    }
}

fn encode(key: &ApiKey, hash: &SecretHash) -> ActiveModel {
    let apps: Vec<&str> = key.caller.apps.iter().map(AppId::as_str).collect();
    ActiveModel {
        id: Set(key.caller.key.as_str().to_owned()),
        name: Set(key.caller.name.clone()),
        apps: Set(apps.join(" ")),
        scopes: Set(key.caller.scopes.to_string()),
        secret_mac: Set(hash.mac.to_text()),
        created_at: Set(key.created_at.as_micros()),
        revoked_at: Set(key.revoked_at.map(Timestamp::as_micros)),
    }
}

fn decode(row: &Model) -> Result<(ApiKey, SecretHash), StoreError> {
    let at = RowId { table: "api_keys", id: &row.id };
    let id = at.id("id", &row.id, ApiKeyId::parse)?;
    let apps: Result<BTreeSet<AppId>, StoreError> =
        row.apps.split_ascii_whitespace().map(|app| at.id("apps", app, AppId::parse)).collect();
    let mac = at.present("secret_mac", Mac::parse(&row.secret_mac))?;
    let caller =
        Caller { key: id.clone(), name: row.name.clone(), apps: apps?, scopes: ScopeSet::from_list(&row.scopes) };
    let key =
        ApiKey { caller, created_at: Timestamp::from_micros(row.created_at), revoked_at: timestamp(row.revoked_at) };
    Ok((key, SecretHash { key: id, mac }))
}
