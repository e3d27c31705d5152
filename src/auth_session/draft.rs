//! A new session before it is stored: who is asked for what, and how the authorization comes back.

use super::ask::{Ask, AskError, Notification};
use super::end::{audit_opened, method};
use super::sending::ABANDONED_AFTER;
use super::tell::Stored;
use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, AuthSessionId, CardDelivery, DeviceFlow, PasteFlow, State, Way};
use crate::domain::clock::Timestamp;
use crate::domain::random::token_256;
use crate::domain::scopes::ScopeSet;
use crate::platform::PlatformError;

/// A device flow that was started for these scopes, and when it ends.
pub(super) type Started = Option<(ScopeSet, DeviceFlow, Timestamp)>;

impl AuthSessions {
    /// The session that this asks for.
    pub(super) async fn draft(&self, app: &App, ask: &Ask, started: &mut Started) -> Result<AuthSession, AskError> {
        let now = self.0.clock.now();
        let tenant = match &app.tenant {
            Some(tenant) => Some(tenant.clone()),
            None => self.0.store.pinned_tenant(&ask.subject.app).await?,
        };
        let (way, way_ends) = self.new_way(app, ask, started, now).await?;
        let expires_at = now.plus(self.0.settings.expiry);
        Ok(AuthSession {
            id: AuthSessionId::generate(now, &*self.0.random),
            subject: ask.subject.clone(),
            tenant,
            scopes: ask.scopes.clone(),
            requesters: vec![ask.requester.clone()],
            reason: ask.reason.clone(),
            created_at: now,
            expires_at: way_ends.map_or(expires_at, |end| end.min(expires_at)),
            opened_at: None,
            way,
            attempts: 0,
            card: first_delivery(ask.notification),
            // Taken back once the card is sent; if this process dies before, the card job sends it.
            card_due_at: (ask.notification == Notification::Card).then(|| now.plus(ABANDONED_AFTER)),
            let_go_at: None,
            state: State::Waiting,
            version: 1,
        })
    }

    /// The session is stored: it is counted, noted, and its card is on its way.
    pub(super) fn opened(&self, session: AuthSession) -> Stored {
        self.0.metrics.auth_opened(session.subject.app.as_str(), method(&session));
        audit_opened(&session);
        self.0.device_nudge.notify_one();
        let sends = session.card != CardDelivery::None;
        self.stored(session, sends)
    }

    async fn new_way(
        &self,
        app: &App,
        ask: &Ask,
        started: &mut Started,
        now: Timestamp,
    ) -> Result<(Way, Option<Timestamp>), AskError> {
        match &app.way {
            AppWay::Redirect { .. } => Ok((Way::Redirect, None)),
            AppWay::Paste { .. } => {
                let flow = PasteFlow { state: token_256(&*self.0.random), verifier: token_256(&*self.0.random) };
                Ok((Way::Paste(flow), None))
            }
            AppWay::Device => {
                self.may_have_card(ask, now).await?;
                let (flow, end) = self.device_flow(app, &ask.scopes, started, now).await?;
                Ok((Way::Device(flow), Some(end)))
            }
        }
    }

    /// Looks at the limit before the platform is called: whoever is over it costs no calls.
    pub(super) async fn may_have_card(&self, ask: &Ask, now: Timestamp) -> Result<(), AskError> {
        if ask.notification != Notification::Card {
            return Ok(());
        }
        match self.0.store.card_limit(&ask.subject, self.0.settings.per_minute, now).await? {
            Some(retry_after) => Err(AskError::TooMany { retry_after }),
            None => Ok(()),
        }
    }

    /// A flow for these scopes: the one that a lost try has started, or a new one.
    pub(super) async fn device_flow(
        &self,
        app: &App,
        scopes: &ScopeSet,
        started: &mut Started,
        now: Timestamp,
    ) -> Result<(DeviceFlow, Timestamp), AskError> {
        if let Some((of, flow, end)) = started
            && of == scopes
        {
            return Ok((flow.clone(), *end));
        }
        let flow = app.platform.oauth.device_start(scopes, now).await.ok_or(AskError::Misconfigured)?;
        let (flow, end) = flow.map_err(|error| ask_error(app, &error))?;
        *started = Some((scopes.clone(), flow.clone(), end));
        Ok((flow, end))
    }
}

fn ask_error(app: &App, error: &PlatformError) -> AskError {
    match error {
        PlatformError::RateLimited { .. } | PlatformError::Unavailable | PlatformError::Unclear => {
            AskError::Unavailable
        }
        PlatformError::Misconfigured { .. } | PlatformError::Rejected { .. } | PlatformError::Revoked { .. } => {
            tracing::error!(app = %app.platform.app, %error, "the app's owner has to act: nobody can be asked");
            AskError::Misconfigured
        }
    }
}

/// Where the message stands before anything was sent.
pub(super) const fn first_delivery(notification: Notification) -> CardDelivery {
    match notification {
        Notification::Card => CardDelivery::Sending { send_no: 1 },
        Notification::Link | Notification::None => CardDelivery::None,
    }
}
