//! One refresh: the driver of the state machine in `domain::refresh`. It holds what the machine must not know, the tokens, and
//! does what the machine says: ask the store, send once, save.
//!
//! A refresh is detached from whoever waits for it. Where the process dies, the store's claim says that a token may have been
//! sent; the lease's end brings the grant back (`scheduler`). Why no connection is made sure of before the claim, and what that
//! costs, is told in `reach`.

use std::future::Future;
use std::time::Duration;

use super::Grants;
use super::admission::{Admitted, Queue};
use super::outcomes::{RefreshError, code_of, journal_word, meaning};
use super::revoke::end_pair;
use super::single_flight::Pilot;
use super::spooling;
use super::wanted::Wanted;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::hint::Hint;
use crate::domain::ids::AttemptId;
use crate::domain::random::up_to;
use crate::domain::refresh::{Answer, Claim, Effect, Event, Outcome, Refresh, Saved};
use crate::domain::secret::Secret;
use crate::domain::token::TokenAnswer;
use crate::failpoint;
use crate::platform::{Asking, PlatformCode, PlatformError};
use crate::store::{Attempt, Claimed, Save, Spooled, StoreError};

/// How long the last look for an answer takes.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// What the driver holds while the machine runs.
struct Flight<'a> {
    grants: &'a Grants,
    platform: &'a Asking,
    attempt: Attempt,
    /// Knows who needs the outcome, and cuts waiting short.
    pilot: &'a Pilot,
    queue: &'a Queue,
    admitted: Option<Admitted>,
    grant: Option<Box<Grant>>,
    pair: Option<(TokenAnswer, Timestamp)>,
    saved: Option<Grant>,
    spooled: bool,
    error: Option<PlatformError>,
}

impl Grants {
    /// Starts a refresh, or joins the one under way; it goes on if the returned future is dropped.
    pub(super) fn refresh_detached(&self, wanted: Wanted) -> impl Future<Output = Result<(), RefreshError>> + use<> {
        let (passenger, pilot) = self.0.flights.join(&wanted.grant, wanted.is_needed);
        if let Some(pilot) = pilot {
            let this = self.clone();
            self.0.tracker.spawn(async move {
                let outcome = this.refresh(wanted, &pilot).await;
                pilot.land(outcome);
                // A failure brings no next pass: what failed is due again in its time.
                if matches!(outcome, Ok(()) | Err(RefreshError::Elsewhere)) {
                    this.0.landed.notify_one();
                }
            });
        } else {
            self.hasten(&wanted);
        }
        passenger.landed()
    }

    async fn refresh(&self, wanted: Wanted, pilot: &Pilot) -> Result<(), RefreshError> {
        let (Some(platform), Some(queue)) = (self.0.apps.get(&wanted.app), self.0.queues.get(&wanted.app)) else {
            return Err(RefreshError::NeedsConsent);
        };
        let admitted = Some(queue.enter(&wanted.grant, wanted.deadline).await.ok_or(RefreshError::Unavailable)?);
        let _in_flight = self.0.metrics.refresh_begins(wanted.app.as_str());
        let attempt = Attempt {
            id: AttemptId::generate(self.0.clock.now(), &*self.0.random),
            owner: self.0.owner.clone(),
            grant: wanted.grant,
            generation: wanted.generation,
        };
        let (grant, pair, saved, spooled, error) = (None, None, None, false, None);
        let flight =
            Flight { grants: self, platform, attempt, pilot, queue, admitted, grant, pair, saved, spooled, error };
        flight.fly().await
    }
}

impl Flight<'_> {
    async fn fly(mut self) -> Result<(), RefreshError> {
        let mut machine = Refresh::new(self.grants.0.timers);
        let mut event = Event::Begin;
        let outcome = loop {
            match machine.step(event, self.grants.0.clock.reading()) {
                Effect::Finish(outcome) => break outcome,
                effect => event = self.perform(effect).await,
            }
        };
        if self.spooled && outcome == Outcome::Refreshed {
            // It has found its place; if the file stays, it is replayed without effect.
            self.grants.unspool(self.attempt.id.clone()).await;
        }
        self.note(outcome).await;
        if self.grant.is_some() {
            // Whoever waits for the claim to end, in whatever way.
            (self.grants.0.tell)(Hint::Grant(self.attempt.grant.clone()));
        }
        failpoint::reach("c11");
        self.ask_whose();
        self.result(outcome)
    }

    async fn perform(&mut self, effect: Effect) -> Event {
        let done = match effect {
            Effect::Claim => self.claim().await,
            Effect::Send => Ok(Event::Answered(self.send().await)),
            Effect::Save if !self.spooled => spooling::soon(self.save()).await,
            Effect::Save => self.save().await,
            Effect::Spool => Ok(Event::Spooled(self.spool().await)),
            Effect::Quarantine => self.set_aside().await,
            Effect::Recall => self.recall().await,
            Effect::MarkDenied { code } => self.mark(code).await,
            Effect::Release { unclear, pause } => self.release(unclear, pause).await,
            Effect::Wait(_) if self.grant.is_none() && self.pilot.breaks_off() => {
                self.admitted.take().into_iter().for_each(|admitted| self.queue.pass_on(admitted));
                Ok(Event::NotNeeded)
            }
            Effect::Wait(pause) => {
                // Replicas that wait for the same one spread.
                let pause = pause / 4 + up_to(&*self.grants.0.random, pause / 4 * 3);
                drop(tokio::time::timeout(pause, self.pilot.news().notified()).await);
                Ok(Event::Woken)
            }
            // The loop does not bring it here.
            Effect::Finish(_) => Ok(Event::Noted),
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(grant = %self.attempt.grant, attempt = %self.attempt.id, %error, "the store gave no answer to a refresh");
            Event::StoreAway
        })
    }

    async fn claim(&mut self) -> Result<Event, StoreError> {
        let (inner, now) = (&self.grants.0, self.grants.0.clock.now());
        failpoint::reach("c0");
        let claimed = inner.store.claim_refresh(&self.attempt, inner.timers.lease, now).await?;
        failpoint::reach("c2");
        Ok(Event::Claimed(match claimed {
            Claimed::Won { grant, tries } => {
                self.grant = Some(grant);
                Claim::Won { tries }
            }
            Claimed::Refused(why) => why,
        }))
    }

    async fn send(&mut self) -> Answer {
        let Some(token) = self.grant.as_ref().and_then(|grant| grant.refresh.as_ref()) else { return Answer::NotSent };
        let answer = self.answer(token).await;
        let now = self.grants.0.clock.now();
        self.grants.heed(&self.platform.app, &answer).await;
        match answer {
            Ok(answer) => {
                failpoint::reach("c8");
                self.pair = Some((answer, now));
                Answer::Pair
            }
            Err(error) => {
                failpoint::reach("c6");
                tracing::warn!(grant = %self.attempt.grant, %error, "a refresh brought no token");
                let answer = meaning(&error);
                self.error = Some(error);
                answer
            }
        }
    }

    /// The one request. A process that was stopped finds its time over though the answer lies in the socket: it looks once
    /// more before it gives the answer up.
    async fn answer(&self, token: &Secret) -> Result<TokenAnswer, PlatformError> {
        let timers = &self.grants.0.timers;
        let mut request = std::pin::pin!(self.platform.oauth.refresh(token));
        for patience in [timers.answer, timers.save.min(LAST_LOOK)] {
            if let Ok(answer) = tokio::time::timeout(patience, request.as_mut()).await {
                return answer;
            }
        }
        Err(PlatformError::Unclear)
    }

    /// Before the waiters look: they wait for the answer, the refresh does not.
    fn ask_whose(&self) {
        let Some(saved) = &self.saved else { return };
        let told = self.pair.as_ref().and_then(|(answer, _)| answer.subject.clone());
        drop(self.grants.identified(saved, told));
    }

    async fn save(&mut self) -> Result<Event, StoreError> {
        let (Some(grant), Some((answer, at))) = (&self.grant, &self.pair) else {
            return Ok(Event::Saved(Saved::Stored));
        };
        let store = &self.grants.0.store;
        let saved = store.save_refreshed(&grant.facts.id, grant.facts.version, answer, *at).await?;
        failpoint::reach("c10");
        if let Save::Stored(saved) = saved {
            self.saved = Some(self.grants.noted(saved));
            return Ok(Event::Saved(Saved::Stored));
        }
        // An earlier try may have stored it though its answer was lost.
        let ours = |stored: &Grant| stored.access.matches(answer.access.expose());
        self.saved = store.grant_by_id(&grant.facts.id).await?.filter(ours);
        Ok(Event::Saved(if self.saved.is_some() { Saved::Stored } else { Saved::Overtaken }))
    }

    async fn spool(&mut self) -> bool {
        let (Some(grant), Some((answer, at))) = (&self.grant, &self.pair) else { return false };
        let pair = Spooled {
            attempt: self.attempt.id.clone(),
            grant: grant.facts.id.clone(),
            app: Some(self.platform.app.clone()),
            version: grant.facts.version,
            answer: answer.clone(),
            obtained_at: *at,
        };
        let spooled = self.grants.spool(pair).await;
        match &spooled {
            Ok(()) => {
                tracing::error!(grant = %self.attempt.grant, "the database is away: a new pair lies in the spool");
            }
            Err(error) => tracing::error!(grant = %self.attempt.grant, %error, "a new pair is only in memory"),
        }
        self.spooled = spooled.is_ok();
        self.spooled
    }

    /// The pair of a grant that is gone is nobody's and is ended at the platform; any other is kept in case it is the living one.
    async fn set_aside(&self) -> Result<Event, StoreError> {
        let (Some(grant), Some((answer, at))) = (&self.grant, &self.pair) else { return Ok(Event::Noted) };
        self.grants.0.metrics.pair_set_aside(self.platform.app.as_str());
        tracing::warn!(grant = %self.attempt.grant, "a refreshed pair came too late: the grant changed meanwhile");
        if self.grants.0.store.grant_by_id(&grant.facts.id).await?.is_none() {
            end_pair(self.platform, &grant.facts.id, answer).await;
        } else {
            match self.grants.0.store.set_aside(&self.attempt.id, grant, answer, *at).await {
                // An earlier try has done it though its answer was lost.
                Ok(()) | Err(StoreError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Event::Noted)
    }

    async fn recall(&self) -> Result<Event, StoreError> {
        let Some(grant) = &self.grant else { return Ok(Event::Recalled(false)) };
        Ok(Event::Recalled(self.grants.0.store.recall(grant, self.grants.0.clock.now()).await?))
    }

    async fn mark(&self, code: PlatformCode) -> Result<Event, StoreError> {
        let Some(grant) = &self.grant else { return Ok(Event::Marked(false)) };
        let (store, now) = (&self.grants.0.store, self.grants.0.clock.now());
        let marked = store.mark_needs_consent(&grant.facts.id, grant.facts.version, code, now).await?;
        if marked {
            self.grants.0.died.notify_one();
        }
        Ok(Event::Marked(marked))
    }

    async fn release(&self, unclear: bool, pause: Duration) -> Result<Event, StoreError> {
        let (inner, now) = (&self.grants.0, self.grants.0.clock.now());
        // By itself it is not tried again as soon as a caller may try it.
        let due_in = pause.max(inner.timers.retry);
        inner.store.release_refresh(&self.attempt, unclear, pause, due_in, now).await?;
        Ok(Event::Noted)
    }

    /// The journal's word. It can be missing: then the entry stays open, and nothing depends on it.
    async fn note(&self, outcome: Outcome) {
        if self.grant.is_none() {
            return;
        }
        let code = self.error.as_ref().and_then(code_of);
        let (store, now) = (&self.grants.0.store, self.grants.0.clock.now());
        if let Err(error) = store.end_attempt(&self.attempt.id, journal_word(outcome), code, now).await {
            tracing::warn!(attempt = %self.attempt.id, %error, "the journal of a refresh stays open");
        }
    }

    fn result(&self, outcome: Outcome) -> Result<(), RefreshError> {
        match (outcome, &self.error) {
            (Outcome::Refreshed, _) => Ok(()),
            (Outcome::NeedsConsent, _) => Err(RefreshError::NeedsConsent),
            (Outcome::Misconfigured, _) => Err(RefreshError::Misconfigured),
            (Outcome::Busy, _) => Err(RefreshError::Elsewhere),
            (_, Some(PlatformError::RateLimited { after })) => Err(RefreshError::RateLimited(*after)),
            _ => Err(RefreshError::Unavailable),
        }
    }
}
