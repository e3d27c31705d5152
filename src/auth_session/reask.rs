//! Asking again for a grant that has died: one question, the same that the person agreed to last.
//!
//! The store says for whom it is due, and gives the claim to one asker. Whatever session the person has got since is the
//! asking; who rejects it or lets it expire is not asked again until somebody wants a token.

use std::time::Duration;

use super::ask::{Ask, AskError, Notification};
use crate::auth_session::{App, AuthSessions};
use crate::domain::auth_session::AuthSession;
use crate::domain::ids::AppId;
use crate::store::{DueReask, LastAsked, Open, StoreError};

/// Dead grants taken up in one run.
const BATCH: u64 = 256;

/// When a question is tried again that the platform or this process was too busy for.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// When it is tried again while the person, or the app, is suspended or set up wrongly.
const LATER_AFTER: Duration = Duration::from_mins(15);

/// What became of one dead grant.
enum Outcome {
    Asked,
    AskedAlready,
    PutOff(Duration),
    /// It is not known what to ask for: the next use will say.
    Unknown,
}

impl AuthSessions {
    /// Asks everybody whose grant has died since. Called by period and on a nudge.
    pub async fn run_reask(&self) -> Result<(), StoreError> {
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        loop {
            let due = self.0.store.reasks_due(&apps, self.0.clock.now(), BATCH).await?;
            for due in &due {
                if self.0.tasks.soft.is_cancelled() {
                    return Ok(());
                }
                self.take_up_reask(due).await?;
            }
            if (due.len() as u64) < BATCH {
                return Ok(());
            }
        }
    }

    async fn take_up_reask(&self, due: &DueReask) -> Result<(), StoreError> {
        let outcome = self.reask(due).await?;
        self.0.metrics.reask(due.subject.app.as_str(), outcome.word());
        match outcome {
            Outcome::Asked | Outcome::AskedAlready => Ok(()),
            Outcome::Unknown => self.0.store.put_reask_off(due, None).await,
            Outcome::PutOff(after) => self.0.store.put_reask_off(due, Some(self.0.clock.now().plus(after))).await,
        }
    }

    async fn reask(&self, due: &DueReask) -> Result<Outcome, StoreError> {
        let (Some(app), Some(asked)) = (self.0.apps.get(&due.subject.app), &due.asked) else {
            return Ok(Outcome::Unknown);
        };
        if self.0.store.suspension(&due.subject).await?.is_some() {
            return Ok(Outcome::PutOff(LATER_AFTER));
        }
        match self.put_again(app, due, asked).await {
            Ok(outcome) => Ok(outcome),
            Err(AskError::Store(error)) => Err(error),
            Err(AskError::TooMany { retry_after }) => Ok(Outcome::PutOff(retry_after)),
            Err(AskError::Misconfigured) => Ok(Outcome::PutOff(LATER_AFTER)),
            Err(_) => Ok(Outcome::PutOff(AGAIN_AFTER)),
        }
    }

    async fn put_again(&self, app: &App, due: &DueReask, asked: &LastAsked) -> Result<Outcome, AskError> {
        let _one_at_a_time = self.turn(&due.subject).await?;
        if self.current(&due.subject).await?.is_some() {
            self.0.store.put_reask_off(due, None).await?;
            return Ok(Outcome::AskedAlready);
        }
        let ask = Ask {
            subject: due.subject.clone(),
            scopes: asked.scopes.clone(),
            requester: String::new(),
            reason: asked.reason.clone(),
            notification: Notification::Card,
            found: None,
        };
        let draft = self.draft(app, &ask, &mut None).await?;
        let session = AuthSession { requesters: asked.requesters.clone(), ..draft };
        let now = session.created_at;
        match self.0.store.reopen_session(due, &session, self.0.settings.per_minute, now).await? {
            Some(Open::Created) => {
                // The card is on its way; nobody waits here for it.
                drop(self.opened(session));
                Ok(Outcome::Asked)
            }
            Some(Open::TooMany { retry_after }) => Ok(Outcome::PutOff(retry_after)),
            Some(Open::Exists(_)) | None => Ok(Outcome::AskedAlready),
        }
    }
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::AskedAlready => "asked_already",
            Self::PutOff(_) => "put_off",
            Self::Unknown => "unknown",
        }
    }
}
