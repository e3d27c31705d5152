//! What people are called, and their number and address as far as they let the app see them: kept as the platform says it
//! by now.
//!
//! It is read with the person's own access token, so only while one lives; a token is not refreshed for it. Whoever was
//! looked up lately is left alone, so that a run that broke off goes on where it was. When the platform is asked after a
//! refresh whose the new pair is ([`super::identities`]), what it says besides is taken over once a day, without a call more.
//!
//! A person who cannot be looked up stops nobody else and loses nothing. An answer that names somebody else is an alarm
//! and changes nothing either.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::Grants;
use crate::domain::clock::Timestamp;
use crate::domain::grant::{Grant, GrantFacts};
use crate::domain::ids::AppId;
use crate::domain::job::Counts;
use crate::domain::rate_limit::Reservation;
use crate::domain::token::Identity;
use crate::platform::{Asking, PlatformError};
use crate::store::{StoreError, Sweep};

/// Whoever was looked up within this time is not looked up again by a run.
const LATELY: Duration = Duration::from_hours(1);

/// What was noted within this time is not noted again after a refresh.
const AFTER_REFRESH: Duration = Duration::from_hours(24);

/// People of one page.
const PAGE: u64 = 200;

/// People who are looked up at a time.
const AT_ONCE: usize = 8;

/// How often a call is made again that the platform puts off.
const PUT_OFF: u32 = 5;

/// What became of looking one person up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LookUp {
    Updated,
    /// The answer names somebody else.
    Mismatch,
    Failed,
    /// The platform refuses the app itself: the others need not be tried.
    Refused,
}

impl Grants {
    /// Looks up everybody with a token that lives, or counts them.
    pub async fn run_user_info(&self, sweep: Sweep) -> Result<Counts, StoreError> {
        let since = self.0.clock.now().minus(LATELY);
        let (mut people, mut done) = (0, Vec::new());
        for (app, platform) in &self.0.apps {
            if self.0.store.app_suspended(app).await? {
                continue;
            }
            if sweep == Sweep::Count {
                people += self.0.store.count_people_to_look_up(app, since, self.0.clock.now()).await?;
            } else {
                self.look_up_people_of(app, platform, since, &mut done).await?;
            }
        }
        if sweep == Sweep::Count {
            return Ok(vec![("people", people)]);
        }
        let count = |what: LookUp| done.iter().filter(|done| **done == what).count() as u64;
        let failed = count(LookUp::Failed) + count(LookUp::Refused);
        Ok(vec![("updated", count(LookUp::Updated)), ("failed", failed), ("mismatched", count(LookUp::Mismatch))])
    }

    async fn look_up_people_of(
        &self,
        app: &AppId,
        platform: &Arc<Asking>,
        since: Timestamp,
        done: &mut Vec<LookUp>,
    ) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let now = self.0.clock.now();
            let page = self.0.store.people_to_look_up(app, since, now, after.as_deref(), PAGE).await?;
            let Some(next) = page.next else { return Ok(()) };
            after = Some(next);
            let call = |grant: Grant| {
                let (this, platform) = (self.clone(), Arc::clone(platform));
                async move { this.look_up_in_turn(&platform, &grant).await }.boxed()
            };
            let mut calls = stream::iter(page.grants.into_iter().map(call)).buffer_unordered(AT_ONCE);
            while let Some(one) = calls.next().await {
                let one = one?;
                done.push(one);
                if one == LookUp::Refused {
                    tracing::error!(%app, "the platform refuses the app itself: its people are not looked up");
                    return Ok(());
                }
            }
        }
    }

    /// Looks a person up when the platform's budget allows it.
    async fn look_up_in_turn(&self, platform: &Asking, grant: &Grant) -> Result<LookUp, StoreError> {
        let app = &grant.facts.subject.app;
        for _ in 0..PUT_OFF {
            loop {
                let reserved = self.reserve_look_up(app).await?;
                if reserved.granted > 0 {
                    break;
                }
                tokio::time::sleep(reserved.wait).await;
            }
            match platform.oauth.identity(&grant.access).await {
                Err(PlatformError::RateLimited { after }) => {
                    self.0.store.close_budget(&bucket(app), after, self.0.clock.now()).await?;
                }
                answer => return self.take_in(grant, answer).await,
            }
        }
        self.take_in(grant, Err(PlatformError::Unavailable)).await
    }

    async fn reserve_look_up(&self, app: &AppId) -> Result<Reservation, StoreError> {
        self.0.store.reserve(&bucket(app), self.0.look_ups, 1, self.0.clock.now()).await
    }

    /// What the platform said of the grant's person.
    async fn take_in(&self, grant: &Grant, answer: Result<Identity, PlatformError>) -> Result<LookUp, StoreError> {
        let facts = &grant.facts;
        let (outcome, word) = match answer {
            Ok(identity) if !is_of(&identity, grant) => {
                tracing::error!(grant = %facts.id, "the platform takes a grant's token for somebody else's: nothing is changed");
                (LookUp::Mismatch, "mismatched")
            }
            Ok(identity) => {
                self.0.store.note_user_info(facts, &identity, self.0.clock.now()).await?;
                (LookUp::Updated, "updated")
            }
            Err(error) => {
                tracing::warn!(grant = %facts.id, %error, "a person could not be looked up");
                let refused = matches!(error, PlatformError::Misconfigured { .. });
                (if refused { LookUp::Refused } else { LookUp::Failed }, "failed")
            }
        };
        self.0.metrics.user_info(facts.subject.app.as_str(), word);
        Ok(outcome)
    }

    /// Takes over what the platform said of the person when it was asked whose a refreshed pair is, once a day; it may fail.
    pub(super) async fn note_what_was_said(&self, facts: &GrantFacts, identity: &Identity) {
        let now = self.0.clock.now();
        if facts.info_at.is_some_and(|at| at > now.minus(AFTER_REFRESH)) {
            return;
        }
        match self.0.store.note_user_info(facts, identity, now).await {
            Ok(_) => self.0.metrics.user_info(facts.subject.app.as_str(), "updated"),
            Err(error) => tracing::warn!(grant = %facts.id, %error, "what a person is called could not be noted"),
        }
    }
}

/// The budget is the platform's for this interface, and not the token endpoint's.
fn bucket(app: &AppId) -> String {
    format!("user_info {app}")
}

fn is_of(identity: &Identity, grant: &Grant) -> bool {
    let (told, known) = (&identity.tenant, &grant.facts.tenant);
    let same_tenant = told.is_none() || known.is_none() || told == known;
    identity.subject == grant.facts.subject.id && same_tenant
}
