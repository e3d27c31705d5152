//! The journal of refreshes: one row per claim, written with it, ended when the outcome is known. It answers the question
//! "what happened to this person's token", and is kept for a while; nothing is decided by it.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantVersion;
use crate::domain::ids::AttemptId;
use crate::domain::platform_code::PlatformCode;
use crate::store::entity::refresh_journal::{ActiveModel, Column, Entity};
use crate::store::refresh_claims::Attempt;
use crate::store::{Store, StoreError};

/// Opens the entry of a claim, in the claim's transaction.
pub(super) async fn open(
    tx: &DatabaseTransaction,
    attempt: &Attempt,
    version: GrantVersion,
    (fence, tries): (i64, i32),
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = ActiveModel {
        attempt: Set(attempt.id.as_str().to_owned()),
        grant_id: Set(attempt.grant.as_str().to_owned()),
        consent_no: Set(version.consent_no),
        generation: Set(version.generation),
        fence: Set(fence),
        tries: Set(tries),
        owner: Set(attempt.owner.clone()),
        prepared_at: Set(now.as_micros()),
        ..ActiveModel::default()
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

impl Store {
    /// Ends the entry of an attempt. An entry that stays open tells of a process that died.
    pub async fn end_attempt(
        &self,
        attempt: &AttemptId,
        outcome: &'static str,
        code: Option<PlatformCode>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let attempt = attempt.as_str().to_owned();
        let row = ActiveModel {
            outcome: Set(Some(outcome.to_owned())),
            word: Set(code.map(|code| code.to_string())),
            ended_at: Set(Some(now.as_micros())),
            ..ActiveModel::default()
        };
        self.write(move |scope| {
            Box::pin(async move {
                Entity::update_many().set(row).filter(Column::Attempt.eq(attempt)).exec(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }
}
