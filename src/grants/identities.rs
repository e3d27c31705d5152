//! Whose a refreshed pair is (I23). A platform that answers a refresh with another person's tokens would, through us, give
//! a service the account of somebody who never agreed.
//!
//! Some platforms name the person in the answer; the others are asked, which is a second call with the new access token.
//! It comes *after* the save: the spent token cannot be used again, so a pair that waits in memory for a second answer is
//! a pair that a crash loses (C8). What is saved is marked as not asked about, in its row, so that no process hands it
//! out before: a refresh begins to ask, a look-up that meets the mark waits for the answer, and a job asks about what a
//! crash left.
//!
//! | the answer | what becomes of the pair |
//! |---|---|
//! | the grant's person | it is given out |
//! | another person | alarm; the pair goes into the quarantine, the row is emptied, the person is asked again |
//! | none: the platform is away, slow or refuses | it is given out, and asked about again in a while |
//!
//! The last row is a choice. Refusing would let the outage of one interface, which says nothing of the pair, stop everything
//! that lives on tokens; and the token endpoint, which has bound the spent token to its owner, has never been seen to
//! mix people up. Another person's pair is not ended at the platform: it may be the only living one of that person.

use std::future::Future;
use std::time::Duration;

use super::{Grants, RefreshError};
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{AppId, AttemptId, GrantId, SubjectId};
use crate::domain::token::Identity;
use crate::platform::{Asking, PlatformError};
use crate::store::StoreError;

/// How long the platform's word is waited for, and with it the callers.
const PATIENCE: Duration = Duration::from_secs(5);

/// When it is asked again after it gave no word.
const AGAIN: Duration = Duration::from_mins(1);

/// Pairs that are asked about at once by the job.
const BATCH: u64 = 32;

impl Grants {
    /// Makes sure, once for all who want to know, whose the grant's pair is, or that this cannot be known now.
    /// `told` is the person that the platform named with the pair. An error means that the pair must not be given out.
    pub(super) fn identified(
        &self,
        grant: &Grant,
        told: Option<SubjectId>,
    ) -> impl Future<Output = Result<(), RefreshError>> + use<> {
        let (passenger, pilot) = self.0.checks.join(&grant.facts.id, true);
        if let Some(pilot) = pilot {
            let (this, grant) = (self.clone(), grant.clone());
            self.0.tracker.spawn(async move { pilot.land(this.identify(&grant, told).await) });
        }
        passenger.landed()
    }

    /// The grant as it is when that is done, if there is one still.
    pub(super) async fn known(&self, grant: Grant) -> Result<Option<Grant>, StoreError> {
        if !grant.facts.is_unidentified(self.0.clock.now()) {
            return Ok(Some(grant));
        }
        match self.asked_unless_known(grant.facts.id.clone()).await {
            Ok(()) | Err(RefreshError::NeedsConsent) => self.0.store.grant_by_id(&grant.facts.id).await,
            Err(_) => Err(StoreError::Unavailable("it cannot be known now whose the pair is")),
        }
    }

    /// The same for a grant that was read a while ago: what was noted since is heeded.
    fn asked_unless_known(&self, id: GrantId) -> impl Future<Output = Result<(), RefreshError>> + use<> {
        let (passenger, pilot) = self.0.checks.join(&id, true);
        if let Some(pilot) = pilot {
            let this = self.clone();
            self.0.tracker.spawn(async move {
                let outcome = match this.0.store.grant_by_id(&id).await {
                    Ok(Some(grant)) if grant.facts.is_unidentified(this.0.clock.now()) => {
                        this.identify(&grant, None).await
                    }
                    Ok(_) => Ok(()),
                    Err(_) => Err(RefreshError::Unavailable),
                };
                pilot.land(outcome);
            });
        }
        passenger.landed()
    }

    /// Asks about the pairs that nobody has asked about; how many there were.
    pub async fn run_identities(&self, now: Timestamp) -> Result<usize, StoreError> {
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        let due = self.0.store.identities_due(&apps, now, BATCH).await?;
        let asked = due.iter().map(|facts| async {
            if !facts.lives_for(now, Duration::ZERO) {
                // Given to nobody, and it tells nothing any more.
                return self.0.store.note_identity(facts, None).await;
            }
            let Some(grant) = self.0.store.grant_by_id(&facts.id).await? else { return Ok(()) };
            self.known(grant).await.map(drop)
        });
        for done in futures_util::future::join_all(asked).await {
            // One that does not open must not keep the others.
            done.unwrap_or_else(|error| tracing::warn!(%error, "it is not known whose a pair is"));
        }
        Ok(due.len())
    }

    async fn identify(&self, grant: &Grant, told: Option<SubjectId>) -> Result<(), RefreshError> {
        let facts = &grant.facts;
        let Some(platform) = self.0.apps.get(&facts.subject.app) else { return Ok(()) };
        let found = match told {
            Some(subject) => Ok((subject, None)),
            None => whose(platform, grant).await.map(|identity| (identity.subject.clone(), Some(identity))),
        };
        let word = match &found {
            Ok((subject, _)) if *subject == facts.subject.id => "same",
            Ok(_) => "another",
            Err(_) => "unknown",
        };
        self.0.metrics.pair_identified(facts.subject.app.as_str(), word);
        let again = match found {
            Ok((subject, identity)) if subject == facts.subject.id => {
                if let Some(identity) = identity {
                    self.note_what_was_said(facts, &identity).await;
                }
                None
            }
            Ok((subject, _)) => return self.set_apart(grant, &subject).await,
            Err(error) => {
                tracing::warn!(grant = %facts.id, %error, "the platform does not say whose a refreshed pair is");
                Some(self.0.clock.now().plus(AGAIN))
            }
        };
        if let Err(error) = self.0.store.note_identity(facts, again).await {
            tracing::warn!(grant = %facts.id, %error, "it could not be noted whose a pair is");
        }
        Ok(())
    }

    async fn set_apart(&self, grant: &Grant, whose: &SubjectId) -> Result<(), RefreshError> {
        let (facts, now) = (&grant.facts, self.0.clock.now());
        tracing::error!(
            target: "audit",
            grant = %facts.id,
            subject = %facts.subject,
            of = %whose,
            "the platform answered a refresh with another person's tokens: they are set apart and given to nobody"
        );
        let attempt = AttemptId::generate(now, &*self.0.random);
        match self.0.store.set_apart(&attempt, grant, whose, now).await {
            Ok(done) => {
                if done {
                    self.0.died.notify_one();
                }
                Err(RefreshError::NeedsConsent)
            }
            Err(error) => {
                tracing::error!(grant = %facts.id, %error, "another person's pair could not be set apart yet");
                Err(RefreshError::Unavailable)
            }
        }
    }
}

async fn whose(platform: &Asking, grant: &Grant) -> Result<Identity, PlatformError> {
    let asked = tokio::time::timeout(PATIENCE, platform.oauth.identity(&grant.access)).await;
    asked.unwrap_or(Err(PlatformError::Unavailable))
}
