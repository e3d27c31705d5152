//! The apps' session keys with people, as logins give them: the one there is and the one before, which opens what was made before
//! the login. Both are sealed for the person and for how often the key has changed, so that no older one can be put back.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::domain::ids::Subject;
use crate::domain::secret::Secret;
use crate::store::entity::SealedColumn;
use crate::store::entity::session_key::{ActiveModel, Column, Entity, Model};
use crate::store::row::RowId;
use crate::store::{Store, StoreError, digest};
use crate::vault::{Place, Vault};

const TABLE: &str = "session_keys";

/// The keys of a person.
#[derive(Debug, Clone)]
pub struct SessionKeys {
    /// The one there is.
    pub current: Secret,
    /// The one before.
    pub former: Option<Secret>,
}

impl Store {
    /// The app's keys with this person, if they have logged in.
    pub async fn session_keys(&self, subject: &Subject) -> Result<Option<SessionKeys>, StoreError> {
        let row = Entity::find_by_id(digest::subject(subject)).one(&self.reads).await?;
        row.map(|row| open(&self.vault, &row)).transpose()
    }

    /// Keeps a key; the one that was kept becomes the one before. Keys that do not open are given up.
    pub async fn keep_session_key(
        &self,
        subject: &Subject,
        key: &Secret,
        now: Timestamp,
    ) -> Result<SessionKeys, StoreError> {
        let (subject, vault, key) = (subject.clone(), self.vault.clone(), key.clone());
        self.write(move |scope| {
            Box::pin(async move {
                let id = digest::subject(&subject);
                let known = Entity::find_by_id(id.as_str()).lock_exclusive().one(&scope.tx).await?;
                let opened = known.as_ref().and_then(|row| open(&vault, row).ok());
                let keys = match opened {
                    Some(same) if same.current.matches(key.expose()) => return Ok(same),
                    opened => SessionKeys { current: key, former: opened.map(|before| before.current) },
                };
                let version = known.as_ref().map_or(1, |row| row.version.saturating_add(1));
                let row = row(&vault, (&id, &subject), version, &keys, now)?;
                if known.is_some() {
                    Entity::update_many().set(row).filter(Column::Id.eq(id.as_str())).exec(&scope.tx).await?;
                } else {
                    Entity::insert(row).exec_without_returning(&scope.tx).await.map_err(StoreError::or_again)?;
                }
                Ok(keys)
            })
        })
        .await
    }
}

fn row(
    vault: &Vault,
    (id, subject): (&str, &Subject),
    version: i64,
    keys: &SessionKeys,
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    let seal = |field: &'static str, key: &Secret| -> Result<SealedColumn, StoreError> {
        Ok(vault.seal(&place(id, field, version), key.expose().as_bytes())?.into())
    };
    Ok(ActiveModel {
        id: Set(id.to_owned()),
        app_id: Set(subject.app.as_str().to_owned()),
        subject: Set(subject.id.as_str().to_owned()),
        version: Set(version),
        key_sealed: Set(seal("key_sealed", &keys.current)?),
        former_sealed: Set(keys.former.as_ref().map(|former| seal("former_sealed", former)).transpose()?),
        changed_at: Set(now.as_micros()),
    })
}

const fn place<'a>(row: &'a str, field: &'static str, version: i64) -> Place<'a> {
    Place { table: TABLE, row, field, consent_no: 0, generation: version }
}

fn open(vault: &Vault, row: &Model) -> Result<SessionKeys, StoreError> {
    let at = RowId { table: TABLE, id: &row.id };
    let secret = |field, sealed: &SealedColumn| at.secret(vault, &place(&row.id, field, row.version), sealed);
    let former = row.former_sealed.as_ref().map(|sealed| secret("former_sealed", sealed)).transpose()?;
    Ok(SessionKeys { current: secret("key_sealed", &row.key_sealed)?, former })
}
