//! Grants: one per subject. Who writes names the consent and generation that it read; a late answer never overwrites a
//! newer pair, and a new consent always wins.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::auth_session::{AuthSession, Completed, State};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantFacts, GrantStatus, GrantVersion, VerifiedTokens};
use crate::domain::ids::{AppId, GrantId, Subject, SubjectId};
use crate::domain::platform_code::PlatformCode;
use crate::domain::token::TokenAnswer;
use crate::failpoint;
use crate::store::entity::grant::{ActiveModel, Column, Entity, Model};
use crate::store::grant_row;
use crate::store::session_row::Transition;
use crate::store::sessions::Save;
use crate::store::withdrawals::HEALED;
use crate::store::{PAGE, Store, StoreError, reasks, suspensions};

/// What a refresh has made of a grant.
#[derive(Debug)]
pub struct Refreshed {
    /// The grant with its new pair.
    pub grant: Grant,
    /// Whether it was dead until then: its person may have been asked for what is not needed any more.
    pub healed: bool,
}

impl Store {
    /// The id of the subject's grant, if there is one: what a session that completes has to name.
    pub async fn grant_id_for(&self, subject: &Subject) -> Result<Option<GrantId>, StoreError> {
        let row = of_subject(subject).one(&self.reads).await?;
        row.map(|row| Ok(grant_row::facts(&row)?.id)).transpose()
    }

    /// Stores a completed session together with the tokens that it brought: both or neither. A grant that exists keeps
    /// its id, also when the session names another one, and gets the next consent number and generation.
    pub async fn complete_session(
        &self,
        session: AuthSession,
        tokens: &VerifiedTokens,
        now: Timestamp,
    ) -> Result<Save<(AuthSession, GrantFacts)>, StoreError> {
        let State::Completed(completed) = session.state.clone() else { return Ok(Save::Lost) };
        let (vault, plan, tokens) = (self.vault.clone(), Arc::clone(&self.plan), tokens.clone());
        self.write(move |scope| {
            Box::pin(async move {
                let existing = of_subject(&session.subject).lock_exclusive().one(&scope.tx).await?;
                let facts = consented_facts(&session, &completed, existing.as_ref(), &tokens, now)?;
                let state = State::Completed(Completed { grant: facts.id.clone(), ..completed });
                let transition = Transition::seal(&vault, AuthSession { state, ..session })?;
                let Some(session) = transition.store(&scope.tx).await? else { return Ok(Save::Lost) };
                let row = grant_row::consented(&vault, &plan, &facts, &tokens, now)?;
                put_consent(&scope.tx, row, &facts, existing.is_some(), now).await?;
                reasks::remember(&scope.tx, &facts.id, &session).await?;
                Ok(Save::Stored((session, facts)))
            })
        })
        .await
    }

    /// The subject's grant with its tokens.
    pub async fn grant(&self, subject: &Subject) -> Result<Option<Grant>, StoreError> {
        self.open_grant(of_subject(subject).one(&self.reads).await?)
    }

    /// The grant of this id with its tokens.
    pub async fn grant_by_id(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        self.open_grant(Entity::find_by_id(id.as_str()).one(&self.reads).await?)
    }

    /// Grants under `apps` in the order of their ids, from behind `after`; only those of `app` and `subject` if given. At most 1,000, whatever the
    /// limit.
    pub async fn list_grants(
        &self,
        apps: &BTreeSet<AppId>,
        app: Option<&AppId>,
        subject: Option<&SubjectId>,
        after: Option<&GrantId>,
        limit: u64,
    ) -> Result<Vec<GrantFacts>, StoreError> {
        let apps = apps.iter().filter(|allowed| app.is_none_or(|wanted| wanted == *allowed)).map(AppId::as_str);
        let mut query = Entity::find().filter(Column::AppId.is_in(apps)).order_by_asc(Column::Id);
        if let Some(subject) = subject {
            query = query.filter(Column::Subject.eq(subject.as_str()));
        }
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.as_str()));
        }
        query.limit(limit.min(PAGE)).all(&self.reads).await?.iter().map(grant_row::facts).collect()
    }

    /// Stores what a refresh brought, if the grant is still at `version` and not dead meanwhile. A refresh token that the answer does not
    /// replace is kept (RFC 6749 §6).
    pub async fn save_refreshed(
        &self,
        id: &GrantId,
        version: GrantVersion,
        answer: &TokenAnswer,
        now: Timestamp,
    ) -> Result<Save<Refreshed>, StoreError> {
        let (id, vault, plan, answer) = (id.clone(), self.vault.clone(), Arc::clone(&self.plan), answer.clone());
        self.write(move |scope| {
            Box::pin(async move {
                // Locked, so that it does not die between being read and being healed.
                let row = Entity::find_by_id(id.as_str()).lock_exclusive().one(&scope.tx).await?;
                let Some(row) = row else { return Ok(Save::Lost) };
                let old = grant_row::open(&vault, &row)?;
                if old.facts.version != version {
                    return Ok(Save::Lost);
                }
                let (used, healed) = (old.facts.is_used(), old.facts.status == GrantStatus::NeedsConsent);
                let marked = row.reask_due_at == Some(HEALED);
                let grant = refreshed(old, answer, now);
                let tokens = (&grant.access, grant.refresh.as_ref());
                // A pair that replaces one that was used will be used as well.
                let next = plan.next(&GrantFacts { used_at: used.then_some(now), ..grant.facts.clone() });
                let mut row = grant_row::with_tokens(&vault, next, &grant.facts, tokens, now)?;
                row.reask_due_at = Set((healed || marked).then_some(HEALED));
                let updated = Entity::update_many().set(row).filter(takes_a_pair(&id, version)).exec(&scope.tx).await?;
                failpoint::reach("c9");
                Ok((updated.rows_affected == 1).then_some(Refreshed { grant, healed }).into())
            })
        })
        .await
    }

    /// Notes that the platform refuses to refresh the grant, if it is still at `version`; whether it was noted now.
    pub async fn mark_needs_consent(
        &self,
        id: &GrantId,
        version: GrantVersion,
        code: PlatformCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let condition = at(id, version).add(Column::Status.eq("active"));
        self.write(move |scope| {
            Box::pin(async move {
                let update = Entity::update_many().set(grant_row::dead(Some(code), now)).filter(condition);
                Ok(update.exec(&scope.tx).await?.rows_affected == 1)
            })
        })
        .await
    }

    /// Deletes the grant, if it is still at `version`; whether it was deleted.
    pub async fn delete_grant(&self, id: &GrantId, version: GrantVersion) -> Result<bool, StoreError> {
        let condition = at(id, version);
        self.write(move |scope| {
            Box::pin(async move {
                let deleted = Entity::delete_many().filter(condition).exec(&scope.tx).await?;
                Ok(deleted.rows_affected == 1)
            })
        })
        .await
    }

    /// How many grants of the app can give a token now or after a refresh.
    pub async fn count_active_grants(&self, app: &AppId, now: Timestamp) -> Result<u64, StoreError> {
        let refreshable = Condition::all().add(Column::RefreshSealed.is_not_null()).add(
            Condition::any().add(Column::RefreshExpiresAt.is_null()).add(Column::RefreshExpiresAt.gt(now.as_micros())),
        );
        let usable = Condition::any().add(Column::AccessExpiresAt.gt(now.as_micros())).add(refreshable);
        let active = Entity::find().filter(Column::AppId.eq(app.as_str())).filter(Column::Status.eq("active"));
        let free = active.filter(Column::Subject.not_in_subquery(suspensions::people_of(app)));
        Ok(free.filter(usable).count(&self.reads).await?)
    }

    fn open_grant(&self, row: Option<Model>) -> Result<Option<Grant>, StoreError> {
        row.map(|row| grant_row::open(&self.vault, &row)).transpose()
    }
}

fn of_subject(subject: &Subject) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::AppId.eq(subject.app.as_str())).filter(Column::Subject.eq(subject.id.as_str()))
}

/// At this version, and not ended by the platform's own word (which has no code). What a denial ended is healed by a pair that
/// came for the same generation: whoever was denied had been overtaken by whoever brings it.
pub(super) fn takes_a_pair(id: &GrantId, version: GrantVersion) -> Condition {
    let alive = Condition::any().add(Column::Status.eq("active")).add(Column::DeadCode.is_not_null());
    at(id, version).add(alive)
}

pub(super) fn at(id: &GrantId, version: GrantVersion) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id.as_str()))
        .add(Column::ConsentNo.eq(version.consent_no))
        .add(Column::Generation.eq(version.generation))
}

/// The facts of the grant after a new consent.
fn consented_facts(
    session: &AuthSession,
    completed: &Completed,
    existing: Option<&Model>,
    tokens: &VerifiedTokens,
    now: Timestamp,
) -> Result<GrantFacts, StoreError> {
    let existing = existing.map(grant_row::facts).transpose()?;
    let (id, version) = existing.map_or_else(
        || (completed.grant.clone(), GrantVersion { consent_no: 0, generation: 0 }),
        |facts| (facts.id, facts.version),
    );
    let answer = &tokens.answer;
    Ok(GrantFacts {
        id,
        subject: session.subject.clone(),
        tenant: tokens.identity.tenant.clone().or_else(|| session.tenant.clone()),
        name: tokens.identity.name.clone(),
        version: GrantVersion { consent_no: version.consent_no + 1, generation: version.generation + 1 },
        status: GrantStatus::Active,
        scopes: answer.scopes.clone(),
        obtained_at: now,
        access_expires_at: now.plus(answer.access_ttl),
        refresh_expires_at: answer.refresh.as_ref().and_then(|refresh| refresh.ttl).map(|ttl| now.plus(ttl)),
        refreshable: answer.refresh.is_some(),
        info_at: Some(now),
        // Somebody has just asked for it.
        used_at: Some(now),
        identity_due_at: None,
    })
}

async fn put_consent(
    tx: &DatabaseTransaction,
    mut row: ActiveModel,
    facts: &GrantFacts,
    exists: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    if exists {
        Entity::update_many().set(row).filter(Column::Id.eq(facts.id.as_str())).exec(tx).await?;
        return Ok(());
    }
    row.id = Set(facts.id.as_str().to_owned());
    row.app_id = Set(facts.subject.app.as_str().to_owned());
    row.subject = Set(facts.subject.id.as_str().to_owned());
    row.created_at = Set(now.as_micros());
    Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::or_again)?;
    Ok(())
}

fn refreshed(old: Grant, answer: TokenAnswer, now: Timestamp) -> Grant {
    let mut facts = grant_row::renewed(old.facts, &answer, now);
    facts.version.generation += 1;
    Grant { facts, access: answer.access, refresh: answer.refresh.map(|refresh| refresh.token).or(old.refresh) }
}
