//! Asking: one open session and one card per person, however many callers ask.

use std::time::Duration;

use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, CardDelivery, State};
use crate::domain::grant::GrantVersion;
use crate::domain::ids::Subject;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::store::{Open, SaveCard, StoreError};

use super::draft::{Started, first_delivery};
use super::sending::ABANDONED_AFTER;
use super::tell::Stored;

/// How often a lost race against another asker is run again.
const TRIES: usize = 16;

/// What a caller asks.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whom.
    pub subject: Subject,
    /// For what.
    pub scopes: ScopeSet,
    /// Who asks, by name.
    pub requester: String,
    /// What for, in the caller's words.
    pub reason: Option<String>,
    /// How the person is told.
    pub notification: Notification,
    /// The grant that was found wanting.
    pub found: Option<GrantVersion>,
}

/// How the person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// By a card in the chat.
    Card,
    /// By the caller, who gets the link.
    Link,
    /// Not at all: the session waits for a later ask that tells them.
    None,
}

/// What an ask leads to.
#[derive(Debug)]
pub struct Asked {
    /// The open session.
    pub session: AuthSession,
    /// The link, if the caller tells the person itself.
    pub link: Option<Secret>,
}

/// Why nobody was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No app of this id is configured.
    #[error("no such app")]
    UnknownApp,
    /// The grant is another one than was found wanting: it is to be looked at again.
    #[error("the person has just decided")]
    GrantChanged,
    /// The bot cannot reach this person.
    #[error("the person cannot be reached")]
    Unreachable(Box<AuthSession>),
    /// Too many cards for this person.
    #[error("this person was asked too often")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// The app's owner has to act first.
    #[error("the app is set up wrongly at the platform")]
    Misconfigured,
    /// The platform does not answer.
    #[error("the platform cannot be reached")]
    Unavailable,
    /// The store does not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthSessions {
    /// Opens a session or joins the open one, and tells the person. When this returns the card is in the chat, or its
    /// send was unclear or takes too long, and the card job repeats it.
    pub async fn ask(&self, ask: &Ask) -> Result<Asked, AskError> {
        let app = self.0.apps.get(&ask.subject.app).ok_or(AskError::UnknownApp)?;
        let stored = self.open_or_join(app, ask).await?;
        let session = self.told(stored).await?;
        let link = match ask.notification {
            Notification::Link => Some(self.link(app, &session)),
            Notification::Card | Notification::None => None,
        };
        Ok(Asked { session, link })
    }

    async fn open_or_join(&self, app: &App, ask: &Ask) -> Result<Stored, AskError> {
        let _one_at_a_time = self.turn(&ask.subject).await?;
        let mut started = None;
        for _ in 0..TRIES {
            let stored = match self.current(&ask.subject).await? {
                Some(open) => self.join(app, open, ask, &mut started).await?,
                None => self.open(app, ask, &mut started).await?,
            };
            if let Some(stored) = stored {
                return Ok(stored);
            }
        }
        Err(AskError::Store(StoreError::contended()))
    }

    /// The person's open session; one whose time is up is ended on the way.
    pub(super) async fn current(&self, subject: &Subject) -> Result<Option<AuthSession>, AskError> {
        let now = self.0.clock.now();
        let Some(open) = self.0.store.pending_session(subject).await? else { return Ok(None) };
        if !(matches!(open.state, State::Waiting) && open.is_overdue(now)) {
            return Ok(Some(open));
        }
        // Whether this or the sweep ends it, the next read finds it ended.
        drop(self.amend(&open.id, |session| session.expired(now)).await);
        Ok(None)
    }

    /// A new session; `None` if somebody else's came first.
    async fn open(&self, app: &App, ask: &Ask, started: &mut Started) -> Result<Option<Stored>, AskError> {
        // A question that was answered after this caller looked for a token has left a grant by now.
        let grant = self.0.store.grant(&ask.subject).await?;
        if grant.map(|grant| grant.facts.version) != ask.found {
            return Err(AskError::GrantChanged);
        }
        let session = self.draft(app, ask, started).await?;
        match self.0.store.open_session(&session, self.0.settings.per_minute, session.created_at).await? {
            Open::Created => Ok(Some(self.opened(session))),
            Open::Exists(_) => Ok(None),
            Open::TooMany { retry_after } => Err(AskError::TooMany { retry_after }),
        }
    }

    /// Adds a caller to the open session; `None` if the session changed meanwhile.
    async fn join(
        &self,
        app: &App,
        open: AuthSession,
        ask: &Ask,
        started: &mut Started,
    ) -> Result<Option<Stored>, AskError> {
        let now = self.0.clock.now();
        let mut joined = open.clone().joined_by(&ask.requester, &ask.scopes);
        let first_card = open.card == CardDelivery::None && ask.notification == Notification::Card;
        if first_card {
            joined.card = first_delivery(ask.notification);
            joined.card_due_at = Some(now.plus(ABANDONED_AFTER));
        }
        if joined.scopes != open.scopes && matches!(app.way, AppWay::Device) {
            if first_card {
                self.may_have_card(ask, now).await?;
            }
            let (flow, end) = self.device_flow(app, &joined.scopes, started, now).await?;
            joined = joined.with_device(flow);
            joined.expires_at = end.min(joined.expires_at);
        }
        let unchanged = joined.requesters == open.requesters && joined.scopes == open.scopes && !first_card;
        if unchanged {
            return Ok(Some(self.stored(open, false)));
        }
        let joined = if first_card {
            self.save_first_card(joined).await?
        } else {
            self.0.store.save_session(self.with_card_due(&open, joined)).await?.into()
        };
        Ok(joined.map(|joined| {
            self.settle(&open, &joined);
            self.stored(joined, first_card)
        }))
    }

    async fn save_first_card(&self, session: AuthSession) -> Result<Option<AuthSession>, AskError> {
        let now = self.0.clock.now();
        match self.0.store.save_with_card(session, self.0.settings.per_minute, now).await? {
            SaveCard::Stored(stored) => Ok(Some(*stored)),
            SaveCard::Lost => Ok(None),
            SaveCard::TooMany { retry_after } => Err(AskError::TooMany { retry_after }),
        }
    }
}
