//! The device way (RFC 8628): outbound connections only. A job polls what is due.
//!
//! The platform counts polls of its token endpoint like refreshes, so they take from the same bucket, over all replicas. Most are
//! in vain and the next is seconds away: they leave alone what refreshes leave alone, and one that finds no room does not wait
//! for it, but for its next interval.

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::auth_session::{App, AuthSessions};
use crate::domain::auth_session::{AuthSession, DeviceFlow, Failure, InvalidTransition, State, Way};
use crate::platform::{DevicePoll, PlatformError};
use crate::store::StoreError;

/// Sessions polled in one run.
const BATCH: u64 = 256;

/// Polls at the same time.
const IN_FLIGHT: usize = 16;

/// Added to the interval on `slow_down` (RFC 8628 §3.5), in seconds.
const SLOWER_BY: u32 = 5;

/// The longest interval, in seconds.
const MAX_INTERVAL: u32 = 60;

impl AuthSessions {
    /// Polls what is due now. Called by period and on a nudge.
    pub async fn run_device_polls(&self) -> Result<(), StoreError> {
        let due = self.0.store.device_due(self.0.clock.now(), BATCH).await?;
        futures_util::stream::iter(due)
            .for_each_concurrent(IN_FLIGHT, |session| async move {
                let id = session.id.clone();
                if let Err(error) = self.poll(session).await {
                    tracing::warn!(auth_session = %id, %error, "a device code could not be polled and will be again");
                }
            })
            .await;
        Ok(())
    }

    async fn poll(&self, session: AuthSession) -> Result<(), StoreError> {
        let Some(app) = self.0.apps.get(&session.subject.app) else { return Ok(()) };
        let Way::Device(flow) = &session.way else { return Ok(()) };
        // The next poll is stored first: two processes, or a crash in here, never poll faster than allowed.
        self.next_poll(&session, flow.interval_secs).await?;
        if !self.has_room(&session).await? {
            return Ok(());
        }
        match app.platform.oauth.device_poll(&flow.device_code).await {
            Ok(DevicePoll::Pending) | Err(PlatformError::Unavailable | PlatformError::Unclear) => Ok(()),
            Ok(DevicePoll::SlowDown) => {
                self.next_poll(&session, flow.interval_secs.saturating_add(SLOWER_BY).min(MAX_INTERVAL)).await
            }
            Err(PlatformError::RateLimited { after }) => {
                self.close_line(&app.platform.app, after).await;
                let secs = u32::try_from(after.as_secs()).unwrap_or(MAX_INTERVAL).clamp(1, MAX_INTERVAL);
                self.next_poll(&session, secs).await
            }
            Ok(DevicePoll::Denied) => {
                let now = self.0.clock.now();
                self.change(&session, |current| same_code(&session, current)?.rejected(now)).await
            }
            Ok(DevicePoll::Granted(answer)) => self.receive(app, &session, *answer).await,
            Ok(DevicePoll::Gone) | Err(PlatformError::Revoked { .. } | PlatformError::Rejected { .. }) => {
                self.renew(app, &session).await
            }
            Err(PlatformError::Misconfigured { code }) => {
                tracing::error!(app = %app.platform.app, %code, "the app's owner has to act: no device code can be polled");
                let now = self.0.clock.now();
                self.change(&session, |session| session.failed(Failure::Misconfigured, now)).await
            }
        }
    }

    /// Whether the app may call its token endpoint now; if so, that is taken.
    async fn has_room(&self, session: &AuthSession) -> Result<bool, StoreError> {
        let limit = self.0.settings.exchanges.giving_way();
        let reserved = self.0.store.reserve(session.subject.app.as_str(), limit, 1, self.0.clock.now()).await?;
        Ok(reserved.granted > 0)
    }

    async fn next_poll(&self, session: &AuthSession, interval_secs: u32) -> Result<(), StoreError> {
        let next_poll_at = self.0.clock.now().plus(Duration::from_secs(interval_secs.into()));
        self.change(session, |current| {
            let current = same_code(session, current)?;
            let way = match current.way {
                Way::Device(flow) => Way::Device(DeviceFlow { interval_secs, next_poll_at, ..flow }),
                other => other,
            };
            Ok(AuthSession { way, ..current })
        })
        .await
    }

    /// The device code is over, or its tokens were lost with an answer: another one, if there is time for it.
    async fn renew(&self, app: &App, session: &AuthSession) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let Some(current) = self.find(&session.id).await? else { return Ok(()) };
        if current.is_overdue(now) || !matches!(current.state, State::Waiting) {
            return self.change(session, |session| session.expired(now)).await;
        }
        let Ok(current) = same_code(session, current) else { return Ok(()) };
        let Some(Ok((flow, end))) = app.platform.oauth.device_start(&current.scopes, now).await else {
            return Ok(());
        };
        tracing::info!(auth_session = %session.id, "a device code is over; the card gets another");
        self.change(session, |current| {
            let current = same_code(session, current)?;
            let expires_at = current.expires_at.min(end);
            Ok(AuthSession { expires_at, ..current.device_renewed(flow.clone(), now) })
        })
        .await
    }
}

/// The session as it stands, if it still waits for the device code that was polled: more scopes may have given it
/// another one meanwhile, which this poll says nothing about.
fn same_code(polled: &AuthSession, current: AuthSession) -> Result<AuthSession, InvalidTransition> {
    match (&polled.way, &current.way) {
        (Way::Device(old), Way::Device(new)) if old.device_code.matches(new.device_code.expose()) => Ok(current),
        _ => Err(InvalidTransition { from: "another device code", to: "the end of this one" }),
    }
}
