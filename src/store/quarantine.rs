//! Pairs of tokens that were set aside, because the row that they belong to had moved on when they came: on a platform that
//! answers a repeated refresh with another pair, it is not known which of the two lives. If the pair in the row is denied
//! later, the one that was set aside takes its place, once, before the person is asked. A pair that turned out to be another
//! person's lies here too, with that person's id, and is never recalled.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantFacts, NEVER_ASKED};
use crate::domain::ids::{AttemptId, SubjectId};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{RefreshToken, TokenAnswer};
use crate::store::entity::quarantined_pair::{ActiveModel, Column, Entity, Model};
use crate::store::entity::{SealedColumn, grant};
use crate::store::grants::takes_a_pair;
use crate::store::row::{RowId, micros, timestamp};
use crate::store::{Store, StoreError, grant_row};
use crate::vault::{Place, Vault};

const TABLE: &str = "quarantined_pairs";

impl Store {
    /// Sets a pair aside that came for this grant, whose row is not at its version any more.
    pub async fn set_aside(
        &self,
        attempt: &AttemptId,
        grant: &Grant,
        answer: &TokenAnswer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = aside(&self.vault, attempt, grant, answer, now)?;
        self.write(move |scope| Box::pin(async move { insert(&scope.tx, row).await })).await
    }

    /// Puts the newest pair that was set aside for this consent into the row, if the row is still at `grant`'s version;
    /// whether there was one. It is taken out of the quarantine: it gets one chance.
    pub async fn recall(&self, grant: &Grant, now: Timestamp) -> Result<bool, StoreError> {
        let (facts, vault, plan) = (grant.facts.clone(), self.vault.clone(), Arc::clone(&self.plan));
        self.write(move |scope| {
            Box::pin(async move {
                let of_consent = Entity::find()
                    .filter(Column::GrantId.eq(facts.id.as_str()))
                    .filter(Column::ConsentNo.eq(facts.version.consent_no))
                    .filter(Column::Subject.is_null())
                    .order_by_desc(Column::CreatedAt);
                let Some(pair) = of_consent.one(&scope.tx).await? else { return Ok(false) };
                let restored = restored(&vault, &facts, &pair)?;
                let tokens = (&restored.access, restored.refresh.as_ref());
                let row = grant_row::with_tokens(&vault, plan.next(&restored.facts), &restored.facts, tokens, now)?;
                let update = grant::Entity::update_many().set(row).filter(takes_a_pair(&facts.id, facts.version));
                if update.exec(&scope.tx).await?.rows_affected != 1 {
                    return Ok(false);
                }
                Entity::delete_by_id(pair.attempt.clone()).exec(&scope.tx).await?;
                Ok(true)
            })
        })
        .await
    }
}

/// The row's own pair, as one of this other person.
pub(super) fn another_persons(
    vault: &Vault,
    attempt: &AttemptId,
    grant: &Grant,
    whose: &SubjectId,
) -> Result<ActiveModel, StoreError> {
    let facts = &grant.facts;
    let ttl = facts.refresh_expires_at.map(|end| end.since(facts.obtained_at));
    let answer = TokenAnswer {
        access: grant.access.clone(),
        access_ttl: facts.access_expires_at.since(facts.obtained_at),
        refresh: grant.refresh.clone().map(|token| RefreshToken { token, ttl }),
        scopes: facts.scopes.clone(),
        subject: None,
        tenant: None,
    };
    let row = aside(vault, attempt, grant, &answer, facts.obtained_at)?;
    Ok(ActiveModel { subject: Set(Some(whose.as_str().to_owned())), ..row })
}

/// Puts a pair into the quarantine.
pub(super) async fn insert(tx: &DatabaseTransaction, pair: ActiveModel) -> Result<(), StoreError> {
    Entity::insert(pair).exec_without_returning(tx).await?;
    Ok(())
}

fn aside(
    vault: &Vault,
    attempt: &AttemptId,
    grant: &Grant,
    answer: &TokenAnswer,
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    let version = grant.facts.version;
    let seal = |field, secret: &Secret| -> Result<SealedColumn, StoreError> {
        let (consent_no, generation) = (version.consent_no, version.generation);
        let place = Place { table: TABLE, row: attempt.as_str(), field, consent_no, generation };
        Ok(vault.seal(&place, secret.expose().as_bytes())?.into())
    };
    let refresh = answer.refresh.as_ref();
    let ends = refresh.and_then(|refresh| refresh.ttl).map(|ttl| now.plus(ttl));
    Ok(ActiveModel {
        attempt: Set(attempt.as_str().to_owned()),
        grant_id: Set(grant.facts.id.as_str().to_owned()),
        consent_no: Set(version.consent_no),
        generation: Set(version.generation),
        access_sealed: Set(seal("access_sealed", &answer.access)?),
        refresh_sealed: Set(refresh.map(|refresh| seal("refresh_sealed", &refresh.token)).transpose()?),
        access_expires_at: Set(now.plus(answer.access_ttl).as_micros()),
        refresh_expires_at: Set(micros(ends)),
        scopes: Set(answer.scopes.to_string()),
        subject: Set(None),
        created_at: Set(now.as_micros()),
    })
}

/// The grant with the pair that was set aside, one generation on.
fn restored(vault: &Vault, facts: &GrantFacts, pair: &Model) -> Result<Grant, StoreError> {
    let row = RowId { table: TABLE, id: &pair.attempt };
    let (consent_no, generation) = (pair.consent_no, pair.generation);
    let place = |field| Place { table: TABLE, row: &pair.attempt, field, consent_no, generation };
    let access = row.secret(vault, &place("access_sealed"), &pair.access_sealed)?;
    let refresh = pair.refresh_sealed.as_ref().map(|sealed| row.secret(vault, &place("refresh_sealed"), sealed));
    let refresh = refresh.transpose()?;
    let mut facts = facts.clone();
    facts.version.generation += 1;
    let granted = ScopeSet::from_list(&pair.scopes);
    let facts = GrantFacts {
        scopes: if granted.is_empty() { facts.scopes } else { granted },
        obtained_at: Timestamp::from_micros(pair.created_at),
        access_expires_at: Timestamp::from_micros(pair.access_expires_at),
        refresh_expires_at: timestamp(pair.refresh_expires_at),
        refreshable: refresh.is_some(),
        identity_due_at: Some(NEVER_ASKED),
        ..facts
    };
    Ok(Grant { facts, access, refresh })
}
