//! One refresh: spend the refresh token, save the new pair, then tell whoever waits.

use std::future::Future;
use std::time::Duration;

use super::Grants;
use crate::domain::grant::{Grant, GrantFacts, GrantStatus};
use crate::domain::ids::GrantId;
use crate::domain::token::TokenAnswer;
use crate::platform::PlatformError;
use crate::store::Save;

/// Pause between tries to save a pair that exists nowhere else.
const SAVE_PAUSE: Duration = Duration::from_millis(500);

/// Tries to save it: a minute.
const SAVE_TRIES: u32 = 120;

/// Why a refresh brought no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The person has to consent again.
    #[error("the person has to consent again")]
    NeedsConsent,
    /// The platform limits our rate.
    #[error("the platform limits our rate")]
    RateLimited(Duration),
    /// The platform or the store does not answer.
    #[error("the platform cannot be reached")]
    Unavailable,
    /// The app's owner has to act.
    #[error("the app is set up wrongly at the platform")]
    Misconfigured,
}

impl Grants {
    /// Starts a refresh of this grant, or joins the one under way; it goes on if the returned future is dropped.
    pub(super) fn refresh_detached(
        &self,
        facts: &GrantFacts,
    ) -> impl Future<Output = Result<(), RefreshError>> + use<> {
        let (passenger, pilot) = self.0.flights.join(&facts.id);
        if let Some(pilot) = pilot {
            let (this, id, generation) = (self.clone(), facts.id.clone(), facts.version.generation);
            self.0.tracker.spawn(async move {
                let outcome = this.refresh(&id, generation).await;
                pilot.land(outcome);
            });
        }
        passenger.landed()
    }

    /// `generation` is the pair that was found wanting: if the store holds a newer one, that is the answer.
    async fn refresh(&self, id: &GrantId, generation: i64) -> Result<(), RefreshError> {
        let grant = self.0.store.grant_by_id(id).await.map_err(|_| RefreshError::Unavailable)?;
        let grant = grant.ok_or(RefreshError::NeedsConsent)?;
        if grant.facts.version.generation > generation {
            return Ok(());
        }
        if grant.facts.status == GrantStatus::NeedsConsent {
            return Err(RefreshError::NeedsConsent);
        }
        let app = &grant.facts.subject.app;
        let (Some(platform), Some(token)) = (self.0.apps.get(app), &grant.refresh) else {
            return Err(RefreshError::NeedsConsent);
        };
        let answer = platform.oauth.refresh(token).await;
        self.0.metrics.token_refresh(app.as_str(), outcome_word(&answer));
        match answer {
            Ok(answer) => self.save(&grant, &answer.or_scopes(&grant.facts.scopes)).await,
            Err(error) => self.refused(&grant, &error).await,
        }
    }

    async fn save(&self, grant: &Grant, answer: &TokenAnswer) -> Result<(), RefreshError> {
        for _ in 0..SAVE_TRIES {
            let now = self.0.clock.now();
            match self.0.store.save_refreshed(&grant.facts.id, grant.facts.version, answer, now).await {
                Ok(Save::Stored(_)) => return Ok(()),
                Ok(Save::Lost) => {
                    tracing::warn!(grant = %grant.facts.id, "a refreshed pair came too late: the grant changed meanwhile");
                    self.end_if_orphaned(grant, answer).await;
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!(grant = %grant.facts.id, %error, "a refreshed pair cannot be saved yet; trying again");
                    tokio::time::sleep(SAVE_PAUSE).await;
                }
            }
        }
        Err(RefreshError::Unavailable)
    }

    /// A pair that came when its grant was gone is nobody's: it is ended at the platform.
    async fn end_if_orphaned(&self, grant: &Grant, answer: &TokenAnswer) {
        let gone = matches!(self.0.store.grant_by_id(&grant.facts.id).await, Ok(None));
        let Some(platform) = self.0.apps.get(&grant.facts.subject.app).filter(|_| gone) else { return };
        let refresh = answer.refresh.as_ref().map(|refresh| &refresh.token);
        for token in refresh.into_iter().chain([&answer.access]) {
            if let Err(error) = platform.oauth.revoke(token).await {
                tracing::warn!(grant = %grant.facts.id, %error, "a pair that came too late could not be revoked");
            }
        }
    }

    async fn refused(&self, grant: &Grant, error: &PlatformError) -> Result<(), RefreshError> {
        tracing::warn!(grant = %grant.facts.id, %error, "a refresh brought no token");
        match error {
            PlatformError::Revoked { code } => self.needs_consent(grant, *code).await,
            PlatformError::RateLimited { after } => Err(RefreshError::RateLimited(*after)),
            PlatformError::Unavailable | PlatformError::Unclear | PlatformError::Rejected { .. } => {
                Err(RefreshError::Unavailable)
            }
            PlatformError::Misconfigured { .. } => Err(RefreshError::Misconfigured),
        }
    }

    async fn needs_consent(&self, grant: &Grant, code: i64) -> Result<(), RefreshError> {
        let now = self.0.clock.now();
        match self.0.store.mark_needs_consent(&grant.facts.id, grant.facts.version, code, now).await {
            Ok(true) => Err(RefreshError::NeedsConsent),
            // Somebody stored a newer pair meanwhile: that one is read next.
            Ok(false) => Ok(()),
            Err(_) => Err(RefreshError::Unavailable),
        }
    }
}

const fn outcome_word(answer: &Result<TokenAnswer, PlatformError>) -> &'static str {
    match answer {
        Ok(_) => "success",
        Err(PlatformError::Revoked { .. }) => "denied",
        Err(PlatformError::Unclear) => "unclear",
        Err(PlatformError::Misconfigured { .. }) => "misconfigured",
        Err(PlatformError::Rejected { .. }) => "rejected",
        Err(PlatformError::RateLimited { .. }) => "rate_limited",
        Err(PlatformError::Unavailable) => "unavailable",
    }
}
