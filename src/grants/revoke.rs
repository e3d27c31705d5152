//! Ending a grant: at the platform first, then here.
//!
//! In this order because a deleted row could not be revoked any more. Dying in between leaves a row whose tokens are
//! dead; the same call again finds that out and deletes it.

use super::single_flight::Pilot;
use super::{Grants, RefreshError};
use crate::domain::caller::{Caller, Forbidden};
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::domain::scopes::REFRESH_SCOPE;
use crate::domain::token::TokenAnswer;
use crate::platform::{Asking, PlatformError};
use crate::store::StoreError;

/// How often a lost race against a refresh is run again.
const TRIES: usize = 8;

/// Why a grant was not ended; it stands as before.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no such grant under these apps.
    #[error("there is no such grant")]
    Unknown,
    /// The platform could not be told.
    #[error("the platform cannot be reached")]
    Unavailable,
    /// The caller may not have what the grant allows, so it may not end it either.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Grants {
    /// Ends a grant, with every token of it, for a caller that may have all that the grant allows. Done all the same if
    /// the caller does not wait for it.
    pub async fn revoke(&self, caller: &Caller, id: &GrantId) -> Result<(), RevokeError> {
        let (this, caller, id) = (self.clone(), caller.clone(), id.clone());
        let revoked = self.0.tracker.spawn(async move { this.revoke_all(&caller, &id).await });
        revoked.await.unwrap_or(Err(RevokeError::Unavailable))
    }

    async fn revoke_all(&self, caller: &Caller, id: &GrantId) -> Result<(), RevokeError> {
        for _ in 0..TRIES {
            let pilot = self.clear_flight(id).await;
            let grant = self.0.store.grant_by_id(id).await?.ok_or(RevokeError::Unknown)?;
            if !caller.apps.contains(&grant.facts.subject.app) {
                return Err(RevokeError::Unknown);
            }
            caller.may(&grant.facts.subject.app, &grant.facts.scopes.without(REFRESH_SCOPE))?;
            if let Some(platform) = self.0.apps.get(&grant.facts.subject.app) {
                revoke_tokens(platform, &grant).await?;
            }
            if self.0.store.delete_grant(id, grant.facts.version).await? {
                tracing::info!(target: "audit", grant = %id, subject = %grant.facts.subject, "a grant was revoked");
                pilot.land(Err(RefreshError::NeedsConsent));
                return Ok(());
            }
        }
        Err(RevokeError::Store(StoreError::contended()))
    }

    /// Waits for a refresh under way and keeps others from starting: a pair that is on its way would outlive the grant.
    async fn clear_flight(&self, id: &GrantId) -> Pilot {
        loop {
            match self.0.flights.join(id, false) {
                (_, Some(pilot)) => return pilot,
                (passenger, None) => drop(passenger.landed().await),
            }
        }
    }
}

async fn revoke_tokens(platform: &Asking, grant: &Grant) -> Result<(), RevokeError> {
    // A grant whose pair was another person's holds none.
    let tokens = grant.refresh.iter().chain([&grant.access]);
    for token in tokens.filter(|token| !token.expose().is_empty()) {
        match platform.oauth.revoke(token).await {
            // A token that the platform no longer knows is as dead as it can be.
            Ok(()) | Err(PlatformError::Revoked { .. } | PlatformError::Rejected { .. }) => {}
            Err(error) => {
                tracing::warn!(grant = %grant.facts.id, %error, "a grant cannot be revoked at the platform now");
                return Err(RevokeError::Unavailable);
            }
        }
    }
    Ok(())
}

/// Ends a pair at the platform that came for a grant which is gone: it is nobody's. What the platform cannot be told now dies
/// of its age.
pub(super) async fn end_pair(platform: &Asking, grant: &GrantId, pair: &TokenAnswer) {
    let refresh = pair.refresh.as_ref().map(|refresh| &refresh.token);
    for token in refresh.into_iter().chain([&pair.access]) {
        if let Err(error) = platform.oauth.revoke(token).await {
            tracing::warn!(%grant, %error, "a pair that came too late could not be revoked");
        }
    }
}
