//! Auth sessions: opened once per subject, then moved by compare-and-set.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::domain::auth_session::{AuthSession, AuthSessionId, CardDelivery};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, Subject};
use crate::store::digest;
use crate::store::entity::auth_session::{ActiveModel, Column, Entity, Model};
use crate::store::session_row::{self, Transition};
use crate::store::{Store, StoreError, reasks};
use crate::vault::Vault;

/// The window in which sessions with cards are counted.
const CARD_WINDOW: Duration = Duration::from_mins(1);

/// What came of opening a session.
#[derive(Debug)]
pub enum Open {
    /// It is stored.
    Created,
    /// The subject has a pending one already: this. Nothing was stored.
    Exists(Box<AuthSession>),
    /// The subject got too many cards in the last minute. Nothing was stored.
    TooMany {
        /// When it can be tried again.
        retry_after: Duration,
    },
}

/// What came of a compare-and-set.
#[derive(Debug)]
pub enum Save<T> {
    /// It is stored; the value as it is stored now.
    Stored(T),
    /// Somebody else changed it first, or it is gone. Nothing was stored. Read it again and decide again.
    Lost,
}

impl<T> From<Save<T>> for Option<T> {
    fn from(save: Save<T>) -> Self {
        match save {
            Save::Stored(stored) => Some(stored),
            Save::Lost => None,
        }
    }
}

/// What came of wanting a card for a session that was opened without one.
#[derive(Debug)]
pub enum SaveCard {
    /// It is stored; the session as it is stored now.
    Stored(Box<AuthSession>),
    /// Somebody else changed it first, or it is gone. Nothing was stored.
    Lost,
    /// The subject got too many cards in the last minute. Nothing was stored.
    TooMany {
        /// When it can be tried again.
        retry_after: Duration,
    },
}

impl<T> From<Option<T>> for Save<T> {
    fn from(stored: Option<T>) -> Self {
        stored.map_or(Self::Lost, Self::Stored)
    }
}

impl Store {
    /// Stores a new session, unless its subject has a pending one, or got `per_minute` cards within the last minute.
    /// Sessions without a card are neither limited nor counted.
    pub async fn open_session(
        &self,
        session: &AuthSession,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Open, StoreError> {
        let opening = Opening::seal(&self.vault, session, per_minute, now)?;
        self.write(move |scope| Box::pin(async move { opening.run(&scope.tx).await })).await
    }

    /// The session of this id.
    pub async fn auth_session(&self, id: &AuthSessionId) -> Result<Option<AuthSession>, StoreError> {
        self.session_of(Entity::find_by_id(id.as_str())).await
    }

    /// The subject's pending session.
    pub async fn pending_session(&self, subject: &Subject) -> Result<Option<AuthSession>, StoreError> {
        self.session_of(pending(subject)).await
    }

    /// Stores the session's new state, if nobody changed it since it was read.
    pub async fn save_session(&self, session: AuthSession) -> Result<Save<AuthSession>, StoreError> {
        let transition = Transition::seal(&self.vault, session)?;
        self.write(move |scope| Box::pin(async move { Ok(transition.store(&scope.tx).await?.into()) })).await
    }

    /// Like [`Store::save_session`], for the transition that gives a session its card: counted and limited like one
    /// that was opened with a card now.
    pub async fn save_with_card(
        &self,
        session: AuthSession,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<SaveCard, StoreError> {
        let subject = session.subject.clone();
        let transition = Transition::seal(&self.vault, session)?.with_card_at(now);
        self.write(move |scope| {
            Box::pin(async move {
                if let Some(retry_after) = too_many(&scope.tx, &subject, per_minute, now).await? {
                    return Ok(SaveCard::TooMany { retry_after });
                }
                let stored = transition.store(&scope.tx).await?;
                Ok(stored.map_or(SaveCard::Lost, |session| SaveCard::Stored(Box::new(session))))
            })
        })
        .await
    }

    /// How long until this subject may get a card; `None` if it may now. A look ahead: what counts is the answer when
    /// the card is stored.
    pub async fn card_limit(
        &self,
        subject: &Subject,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        too_many(&self.reads, subject, per_minute, now).await
    }

    /// How many sessions of the app are pending.
    pub async fn count_pending(&self, app: &AppId) -> Result<u64, StoreError> {
        let pending = Entity::find()
            .filter(Column::State.is_in(["waiting", "exchanging"]))
            .filter(Column::AppId.eq(app.as_str()));
        Ok(pending.count(&self.reads).await?)
    }

    async fn session_of(&self, query: sea_orm::Select<Entity>) -> Result<Option<AuthSession>, StoreError> {
        let row: Option<Model> = query.one(&self.reads).await?;
        row.map(|row| session_row::decode(&self.vault, &row)).transpose()
    }
}

/// A new session that is ready to be stored: sealed already, so that the writer has little to do.
#[derive(Clone)]
pub(super) struct Opening {
    vault: Vault,
    session: AuthSession,
    row: ActiveModel,
    per_minute: u32,
    now: Timestamp,
}

impl Opening {
    pub(super) fn seal(
        vault: &Vault,
        session: &AuthSession,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let row = session_row::encode(vault, session)?;
        Ok(Self { vault: vault.clone(), session: session.clone(), row, per_minute, now })
    }

    /// Stores it if that may be. With it the person is asked, also for a grant that has died.
    pub(super) async fn run(self, tx: &DatabaseTransaction) -> Result<Open, StoreError> {
        let Self { vault, session, row, per_minute, now } = self;
        if let Some(pending) = pending(&session.subject).one(tx).await? {
            return Ok(Open::Exists(Box::new(session_row::decode(&vault, &pending)?)));
        }
        if session.card != CardDelivery::None
            && let Some(retry_after) = too_many(tx, &session.subject, per_minute, now).await?
        {
            return Ok(Open::TooMany { retry_after });
        }
        Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::or_again)?;
        reasks::settle(tx, &session.subject).await?;
        Ok(Open::Created)
    }
}

fn pending(subject: &Subject) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::OpenKey.eq(digest::subject(subject)))
}

/// How long to wait until fewer than `per_minute` cards were wanted within a minute; `None` if not at all.
async fn too_many(
    connection: &impl ConnectionTrait,
    subject: &Subject,
    per_minute: u32,
    now: Timestamp,
) -> Result<Option<Duration>, StoreError> {
    let Some(skipped) = per_minute.checked_sub(1) else { return Ok(Some(CARD_WINDOW)) };
    let wanted: Option<i64> = Entity::find()
        .select_only()
        .column(Column::CardWantedAt)
        .filter(Column::AppId.eq(subject.app.as_str()))
        .filter(Column::Subject.eq(subject.id.as_str()))
        .filter(Column::CardWantedAt.gt(now.minus(CARD_WINDOW).as_micros()))
        .order_by_desc(Column::CardWantedAt)
        .offset(u64::from(skipped))
        .limit(1)
        .into_tuple()
        .one(connection)
        .await?;
    Ok(wanted.map(|wanted| Timestamp::from_micros(wanted).plus(CARD_WINDOW).since(now)))
}
