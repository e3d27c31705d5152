//! What happened at the platform to what people granted: event, grant, suspension and the auth session that it ends are
//! stored in one transaction, before the platform is answered.
//!
//! An event may come late. It does not concern what came after it, by the platform's time: a newer pair of tokens, a
//! newer question, a newer suspension.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::clock::Timestamp;
use crate::domain::event::{Change, Event};
use crate::domain::ids::{AppId, Subject, SubjectId};
use crate::store::entity::{auth_session, grant};
use crate::store::inbox::InboxEvent;
use crate::store::session_row::Transition;
use crate::store::suspensions::{WHOLE_APP, put};
use crate::store::{Store, StoreError, digest, grant_row};

/// What became of an event that changes grants.
#[derive(Debug)]
pub enum AcceptedChange {
    /// It is on the disk.
    New {
        /// Whether it changed anything; it does not if it comes too late, or if there is nothing of the person's.
        applied: bool,
        /// The session that it ended, as it is stored now.
        ended: Option<Box<AuthSession>>,
        /// The session that stays open, and whose waiting callers are let go.
        let_go: Option<AuthSessionId>,
    },
    /// It was known before; nothing was changed.
    Duplicate,
    /// The person's session was changed by somebody else; nothing was stored. Read it again and decide again.
    Lost,
}

/// What the transaction works with.
#[derive(Clone)]
struct Work {
    app: AppId,
    change: Change,
    at: Timestamp,
    now: Timestamp,
}

impl Store {
    /// Takes an event together with all that it changes: everything is stored, or nothing. `at` is when it happened;
    /// `ending` is the person's session in its new state, if the change ends it.
    pub async fn accept_change(
        &self,
        event: &Event,
        change: &Change,
        ending: Option<AuthSession>,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<AcceptedChange, StoreError> {
        let taken = InboxEvent::new(&event.app, &event.id, &event.event_type, now);
        let work = Work { app: event.app.clone(), change: change.clone(), at, now };
        let ending = ending.map(|session| Transition::seal(&self.vault, session)).transpose()?;
        self.write(move |scope| {
            Box::pin(async move {
                scope.inbox.ready(&scope.tx).await?;
                if scope.inbox.knows(&scope.tx, &taken).await? {
                    return Ok(AcceptedChange::Duplicate);
                }
                let Some(ended) = work.end_session(&scope.tx, ending).await? else { return Ok(AcceptedChange::Lost) };
                let applied = work.apply(&scope.tx).await?;
                let let_go = work.let_go(&scope.tx).await?;
                scope.inbox.take(&scope.tx, &taken).await?;
                Ok(AcceptedChange::New { applied, ended, let_go })
            })
        })
        .await
    }
}

impl Work {
    /// `None` if the session is another one by now, or there is one although there was none.
    async fn end_session(
        &self,
        tx: &DatabaseTransaction,
        ending: Option<Transition>,
    ) -> Result<Option<Option<Box<AuthSession>>>, StoreError> {
        if let Some(ending) = ending {
            return Ok(ending.store(tx).await?.map(|session| Some(Box::new(session))));
        }
        let Change::Left(subject) = &self.change else { return Ok(Some(None)) };
        let subject = Subject { app: self.app.clone(), id: subject.clone() };
        let open = auth_session::Entity::find()
            .filter(auth_session::Column::OpenKey.eq(digest::subject(&subject)))
            .filter(auth_session::Column::CreatedAt.lte(self.until()));
        Ok((open.count(tx).await? == 0).then_some(None))
    }

    /// Whoever waits for a person who revokes is let go, at every process; the question stands. A suspension says it itself.
    async fn let_go(&self, tx: &DatabaseTransaction) -> Result<Option<AuthSessionId>, StoreError> {
        let Change::Revoked { subject, .. } = &self.change else { return Ok(None) };
        let subject = Subject { app: self.app.clone(), id: subject.clone() };
        let open = auth_session::Column::OpenKey.eq(digest::subject(&subject));
        let query = auth_session::Entity::find().select_only().column(auth_session::Column::Id).filter(open);
        let Some(id) = query.into_tuple::<String>().one(tx).await? else { return Ok(None) };
        auth_session::Entity::update_many()
            .col_expr(auth_session::Column::LetGoAt, Expr::value(self.now.as_micros()))
            .filter(auth_session::Column::Id.eq(id.as_str()))
            .exec(tx)
            .await?;
        Ok(AuthSessionId::parse(&id).ok())
    }

    async fn apply(&self, tx: &DatabaseTransaction) -> Result<bool, StoreError> {
        match &self.change {
            Change::Revoked { subject, access, refresh, .. } => self.revoke(tx, subject, *access, *refresh).await,
            Change::Left(subject) => self.leave(tx, subject).await,
            Change::Suspended(subject) => put(tx, &self.app, subject.as_str(), true, self.at).await,
            Change::Resumed(subject) => put(tx, &self.app, subject.as_str(), false, self.at).await,
            Change::AppStopped => put(tx, &self.app, WHOLE_APP, true, self.at).await,
            Change::AppStarted => put(tx, &self.app, WHOLE_APP, false, self.at).await,
        }
    }

    async fn revoke(
        &self,
        tx: &DatabaseTransaction,
        subject: &SubjectId,
        access: bool,
        refresh: bool,
    ) -> Result<bool, StoreError> {
        let mut changed = 0;
        if access {
            let now = self.now.as_micros();
            let end = grant::Entity::update_many().col_expr(grant::Column::AccessExpiresAt, Expr::value(now));
            let living = self.grant_of(subject).add(grant::Column::AccessExpiresAt.gt(now));
            changed += end.filter(living).exec(tx).await?.rows_affected;
        }
        if refresh {
            let dead = grant_row::dead(None, self.now);
            let active = self.grant_of(subject).add(grant::Column::Status.eq("active"));
            changed += grant::Entity::update_many().set(dead).filter(active).exec(tx).await?.rows_affected;
        }
        Ok(changed > 0)
    }

    /// Nothing of the person is kept but the time, by which older events are known to be older.
    async fn leave(&self, tx: &DatabaseTransaction, subject: &SubjectId) -> Result<bool, StoreError> {
        let deleted = grant::Entity::delete_many().filter(self.grant_of(subject)).exec(tx).await?;
        put(tx, &self.app, subject.as_str(), false, self.at).await?;
        Ok(deleted.rows_affected > 0)
    }

    /// The person's grant, if its tokens are not younger than the event.
    fn grant_of(&self, subject: &SubjectId) -> Condition {
        Condition::all()
            .add(grant::Column::AppId.eq(self.app.as_str()))
            .add(grant::Column::Subject.eq(subject.as_str()))
            .add(grant::Column::ObtainedAt.lte(self.until()))
    }

    fn until(&self) -> i64 {
        Change::reaches_to(self.at).as_micros()
    }
}
