//! The work that is due without anybody asking: refreshes ahead and keep-alives; and forgetting what is old.
//!
//! What is due is found by index, so that a pass costs what is due and not what is stored. Each pass starts at most as many
//! refreshes as there is room for; a refresh that lands brings the next pass. All of it is a function of `now`.
//!
//! Where the platform's limit does not give enough for all, the order in which grants became due alone would let a token in
//! use end behind grants that have days: what would be too late [soon](SOON) goes first, and takes no heed of the room that
//! others fill who wait. That alone would let wait for ever what is too late already: [one in eight](FAIR) is what has been
//! due for the longest.
//!
//! Several processes find the same. Each prefers a part of its own, and leaves to another what that one is at already.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::PoisonError;
use std::time::Duration;

use super::Grants;
use super::outcomes::RefreshError;
use super::wanted::Wanted;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, GrantId};
use crate::domain::job::Counts;
use crate::domain::waiting_line::FAIR;
use crate::store::{DueGrant, Old, StoreError, Sweep};

/// What would be too late within this time goes first. Longer, and what is used would leave less of the limit to the rest than
/// keeping it alive takes; shorter, and a platform that is slow for a while would be enough to be late.
const SOON: Duration = Duration::from_mins(10);

/// Of so many times what there is room for, each process that shares a database takes a part of its own.
const SPREAD: usize = 4;

/// What would be too late within this time is taken by whoever finds it first.
const PRESSING: Duration = Duration::from_mins(1);

/// A start takes up what a crash left although the clock was set back by so much meanwhile; beyond that, when its lease ends.
const SET_BACK: Duration = Duration::from_mins(10);

/// How long nothing is refreshed ahead for an app whose owner has to act.
const MISCONFIGURED_PAUSE: Duration = Duration::from_mins(2);

/// When a token that is over already is wanted again: nobody knows. Whoever waits for one says so, and goes first.
const SOME_TIME: Duration = Duration::from_hours(1);

impl Grants {
    /// Starts the refreshes that are due, as far as there is room; how many there are, those under way included. Pairs in the
    /// spool come first: a token whose successor lies there must not be sent.
    pub async fn run_refreshes(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.run_spool().await?;
        let mut started = 0;
        for (app, queue) in &self.0.queues {
            let most = self.0.reach.room(app, self.0.in_flight, self.0.clock.reading());
            if most == 0 || self.is_paused(app, now) {
                continue;
            }
            for due in self.next_due(app, now, most, most.saturating_sub(queue.len())).await? {
                let (grant, app, deadline) = (due.id, app.clone(), urgency(due.deadline, now));
                self.start(Wanted { grant, app, generation: due.version.generation, deadline, is_needed: false });
                started += 1;
            }
        }
        Ok(started)
    }

    /// What is urgent, whoever else waits, then what has been due for the longest, as far as there is room or it is its share.
    async fn next_due(
        &self,
        app: &AppId,
        now: Timestamp,
        most: usize,
        room: usize,
    ) -> Result<Vec<DueGrant>, StoreError> {
        let (store, soon) = (&self.0.store, now.plus(SOON));
        let rows = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let share = most.div_ceil(FAIR).min(most - 1);
        let near = if store.is_shared() { most * SPREAD } else { most };
        let mut next = store.urgent_grants(app, now, soon, rows(near)).await?;
        if store.is_shared() {
            next.sort_by_cached_key(|due| (due.deadline > now.plus(PRESSING), self.own_place(&due.id)));
        }
        next.truncate(most - share);
        let room = room.saturating_sub(next.len()).max(share);
        if room > 0 {
            let urgent: HashSet<GrantId> = next.iter().map(|due| due.id.clone()).collect();
            let due = store.due_grants(app, now, rows(room)).await?;
            next.extend(due.into_iter().filter(|due| !urgent.contains(&due.id)));
        }
        Ok(next)
    }

    /// Where a grant is in this process's own order: others find the same grants, and whoever comes second comes in vain.
    fn own_place(&self, grant: &GrantId) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.0.owner, grant.as_str()).hash(&mut hasher);
        hasher.finish()
    }

    /// A refresh that nobody waits for.
    fn start(&self, wanted: Wanted) {
        if self.0.flights.has(&wanted.grant) {
            // Found in every pass until its claim hides it: nobody has to wait for it again.
            return self.hasten(&wanted);
        }
        let (this, app) = (self.clone(), wanted.app.clone());
        let landed = self.refresh_detached(wanted);
        self.0.tracker.spawn(async move {
            match landed.await {
                Err(RefreshError::Misconfigured) => this.pause(&app),
                Ok(()) => this.resume(&app),
                Err(_) => {}
            }
        });
    }

    /// Moves a refresh that waits forward.
    pub(super) fn hasten(&self, wanted: &Wanted) {
        if let Some(queue) = self.0.queues.get(&wanted.app) {
            queue.hasten(&wanted.grant, wanted.deadline);
        }
    }

    fn is_paused(&self, app: &AppId, now: Timestamp) -> bool {
        self.0.paused.lock().unwrap_or_else(PoisonError::into_inner).get(app).is_some_and(|end| *end > now)
    }

    /// One alarm for the app, not one for each of its people.
    pub(super) fn pause(&self, app: &AppId) {
        let end = self.0.clock.now().plus(MISCONFIGURED_PAUSE);
        let mut paused = self.0.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.insert(app.clone(), end).is_none() {
            tracing::error!(%app, "the platform refuses the app itself: its tokens are not refreshed until its owner acts");
            self.0.metrics.refresh_paused(app.as_str(), true);
        }
    }

    pub(super) fn resume(&self, app: &AppId) {
        let mut paused = self.0.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.remove(app).is_some() {
            tracing::info!(%app, "the platform takes the app's refreshes again");
            self.0.metrics.refresh_paused(app.as_str(), false);
        }
    }

    /// Takes up what this process's former self left: first the pairs that it could not save, so that no token is sent whose
    /// successor is here; then, if no other process can be alive, its leases. Before anything else may refresh.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        self.run_spool().await?;
        if !self.0.store.is_shared() {
            let now = self.0.clock.now();
            let apps: Vec<AppId> = self.0.queues.keys().cloned().collect();
            let until = now.plus(self.0.timers.lease + SET_BACK);
            let left = self.0.store.take_over_refreshes(&self.0.owner, &apps, until, now).await?;
            if left > 0 {
                tracing::warn!(left, "refreshes that a crash interrupted are taken up again");
            }
        }
        Ok(())
    }

    /// Deletes or counts journal entries and pairs that were set aside longer ago than the journal is kept.
    pub async fn run_forget(&self, sweep: Sweep) -> Result<Counts, StoreError> {
        let before = self.0.clock.now().minus(self.0.journal_life);
        let attempts = self.0.store.sweep(Old::Attempts, before, sweep).await?;
        let pairs = self.0.store.sweep(Old::Pairs, before, sweep).await?;
        Ok(vec![("attempts", attempts), ("pairs", pairs)])
    }

    /// Deletes or counts grants that died so long ago that nobody is expected to revive them.
    pub async fn run_dead_grants(&self, sweep: Sweep) -> Result<Counts, StoreError> {
        let Some(life) = self.0.dead_life else { return Ok(vec![("grants", 0)]) };
        let before = self.0.clock.now().minus(life);
        Ok(vec![("grants", self.0.store.sweep(Old::DeadGrants, before, sweep).await?)])
    }
}

/// Until when nobody misses a token whose time is over at `deadline`.
fn urgency(deadline: Timestamp, now: Timestamp) -> Timestamp {
    if deadline > now { deadline } else { now.plus(SOME_TIME) }
}
