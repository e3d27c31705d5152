//! The apps' own access tokens, so that neither a restart nor another replica has to fetch one. Nothing depends on them:
//! what is lost, over or does not open is fetched anew.
//!
//! Of two tokens the one that is usable longer stays. The end is part of what a token is sealed for, so that nobody who can
//! write to the table makes a token last.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::domain::secret::Secret;
use crate::store::entity::SealedColumn;
use crate::store::entity::app_token::{ActiveModel, Column, Entity, Model};
use crate::store::row::RowId;
use crate::store::{Store, StoreError};
use crate::vault::{Place, Vault};

const TABLE: &str = "app_tokens";

impl Store {
    /// The app's token and until when it is to be used, if one is kept.
    pub async fn app_token(&self, app: &AppId) -> Result<Option<(Secret, Timestamp)>, StoreError> {
        let row = Entity::find_by_id(app.as_str()).one(&self.reads).await?;
        row.map(|row| open(&self.vault, &row)).transpose()
    }

    /// Keeps a token, unless the one that is kept opens and is usable longer. `refused` is one that the platform does not
    /// take any more: any other is better.
    pub async fn keep_app_token(
        &self,
        app: &AppId,
        token: &Secret,
        until: Timestamp,
        refused: Option<&Secret>,
    ) -> Result<(), StoreError> {
        let (app, vault, token, refused) = (app.clone(), self.vault.clone(), token.clone(), refused.cloned());
        self.write(move |scope| {
            Box::pin(async move {
                let known = Entity::find_by_id(app.as_str()).lock_exclusive().one(&scope.tx).await?;
                if let Some(known) = &known
                    && let Ok((kept, end)) = open(&vault, known)
                    && end >= until
                    && !refused.is_some_and(|refused| kept.matches(refused.expose()))
                {
                    return Ok(());
                }
                let row = ActiveModel {
                    app_id: Set(app.as_str().to_owned()),
                    token_sealed: Set(seal(&vault, &app, &token, until)?),
                    usable_until: Set(until.as_micros()),
                };
                if known.is_some() {
                    Entity::update_many().set(row).filter(Column::AppId.eq(app.as_str())).exec(&scope.tx).await?;
                } else {
                    Entity::insert(row).exec_without_returning(&scope.tx).await.map_err(StoreError::or_again)?;
                }
                Ok(())
            })
        })
        .await
    }
}

const fn place(app: &str, until: i64) -> Place<'_> {
    Place { table: TABLE, row: app, field: "token_sealed", consent_no: 0, generation: until }
}

fn seal(vault: &Vault, app: &AppId, token: &Secret, until: Timestamp) -> Result<SealedColumn, StoreError> {
    Ok(vault.seal(&place(app.as_str(), until.as_micros()), token.expose().as_bytes())?.into())
}

fn open(vault: &Vault, row: &Model) -> Result<(Secret, Timestamp), StoreError> {
    let at = RowId { table: TABLE, id: &row.app_id };
    let token = at.secret(vault, &place(&row.app_id, row.usable_until), &row.token_sealed)?;
    Ok((token, Timestamp::from_micros(row.usable_until)))
}
