//! The callback of the redirect way: burns the flow and stores the code in one transaction, then exchanges it.

use subtle::ConstantTimeEq as _;

use super::amend::AmendError;
use super::redirect::{hash, is_code};
use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, AuthSessionId, InvalidTransition, State};
use crate::domain::ids::{AppId, PlatformId};
use crate::domain::secret::Secret;
use crate::store::{Flow, Save, StoreError};

/// How often a lost race is run again.
const TRIES: usize = 16;

/// What the browser brings back, as it came.
#[derive(Debug, Default)]
pub struct CallbackQuery {
    /// `code`, once.
    pub code: Option<Secret>,
    /// `state`, once.
    pub state: Option<Secret>,
    /// Whether there is an `error`.
    pub error: bool,
    /// `iss` (RFC 9207), if there is one.
    pub issuer: Option<String>,
    /// The binding cookie; `None` also when several differ.
    pub cookie: Option<Secret>,
}

/// Why a callback was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// A parameter is missing, doubled, empty or oversized.
    #[error("the callback is incomplete")]
    Malformed,
    /// The `state` is not one that waits here.
    #[error("this link was used, is too old, or is not ours")]
    Unknown,
    /// Another browser than the one that began.
    #[error("another browser began this")]
    OtherBrowser,
    /// The question is over; its end is to be shown.
    #[error("this question is over")]
    Over(AuthSessionId),
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthSessions {
    /// Takes the callback: burns the flow and stores the code in one transaction, then exchanges it detached. The id
    /// is the session whose end the person is to be shown. Done all the same if the browser does not wait for it.
    pub async fn callback(
        &self,
        platform: &PlatformId,
        app: &AppId,
        query: CallbackQuery,
    ) -> Result<AuthSessionId, CallbackError> {
        if self.redirect_app(platform, app).is_none() {
            return Err(CallbackError::Unknown);
        }
        let (this, app) = (self.clone(), app.clone());
        let taken = self.0.tasks.tracker.spawn(async move { this.take_callback(&app, &query).await });
        taken.await.unwrap_or_else(|_| Err(CallbackError::Store(StoreError::contended())))
    }

    /// Whoever changes the session at the same moment (the report of the tap, the message id of the card) does not cost
    /// the person's consent: the code is tried again on the session as it stands then.
    async fn take_callback(&self, app: &AppId, query: &CallbackQuery) -> Result<AuthSessionId, CallbackError> {
        for _ in 0..TRIES {
            if let Some(id) = self.try_callback(app, query).await? {
                return Ok(id);
            }
        }
        Err(CallbackError::Store(StoreError::contended()))
    }

    async fn try_callback(&self, app: &AppId, query: &CallbackQuery) -> Result<Option<AuthSessionId>, CallbackError> {
        let entry = self.0.apps.get(app).ok_or(CallbackError::Unknown)?;
        let state = query.state.as_ref().ok_or(CallbackError::Malformed)?;
        let flow = self.0.store.flow(&hash(state)).await?.ok_or(CallbackError::Unknown)?;
        let session = self.find(&flow.auth_session).await?.filter(|session| session.subject.app == *app);
        let session = session.ok_or(CallbackError::Unknown)?;
        if flow.burnt {
            return Err(CallbackError::Over(session.id));
        }
        check_issuer(entry, query.issuer.as_deref())?;
        check_browser(entry, &session, &flow, query.cookie.as_ref())?;
        if query.error {
            return self.declined(session).await.map(Some);
        }
        let code = query.code.clone().filter(is_code).ok_or(CallbackError::Malformed)?;
        self.take_code(session, &flow, code).await
    }

    async fn declined(&self, session: AuthSession) -> Result<AuthSessionId, CallbackError> {
        let now = self.0.clock.now();
        let refuse = |session: AuthSession| match session.state {
            State::Exchanging(_) => Err(InvalidTransition { from: "exchanging", to: "rejected" }),
            _ => session.rejected(now),
        };
        match self.amend(&session.id, refuse).await {
            Ok(ended) => Ok(ended.id),
            Err(AmendError::Store(error)) => Err(error.into()),
            Err(AmendError::Unknown | AmendError::Invalid(_)) => Err(CallbackError::Over(session.id)),
        }
    }

    /// `None` if the session changed meanwhile.
    async fn take_code(
        &self,
        session: AuthSession,
        flow: &Flow,
        code: Secret,
    ) -> Result<Option<AuthSessionId>, CallbackError> {
        let id = session.id.clone();
        let now = self.0.clock.now();
        let Ok(exchanging) = session.clone().exchanging(code, flow.verifier.clone(), now) else {
            return Err(CallbackError::Over(id));
        };
        match self.0.store.take_flow(&flow.state_hash, self.with_card_due(&session, exchanging)).await? {
            Save::Stored(stored) => {
                self.settle(&session, &stored);
                self.spawn_exchange(&id);
                Ok(Some(id))
            }
            Save::Lost => Ok(None),
        }
    }
}

/// RFC 9207: an issuer that is named must be the platform's own.
fn check_issuer(entry: &App, issuer: Option<&str>) -> Result<(), CallbackError> {
    match issuer {
        Some(issuer) if !entry.platform.oauth.is_issuer(issuer) => {
            tracing::warn!(target: "audit", app = %entry.platform.app, "a callback names another issuer");
            Err(CallbackError::Unknown)
        }
        _ => Ok(()),
    }
}

fn check_browser(
    entry: &App,
    session: &AuthSession,
    flow: &Flow,
    cookie: Option<&Secret>,
) -> Result<(), CallbackError> {
    let same = cookie.is_some_and(|cookie| hash(cookie).ct_eq(&flow.cookie_hash).into());
    if same {
        return Ok(());
    }
    let strict = matches!(entry.way, AppWay::Redirect { strict: true, .. });
    tracing::warn!(target: "audit", auth_session = %session.id, strict, "another browser came back than began");
    if strict { Err(CallbackError::OtherBrowser) } else { Ok(()) }
}
