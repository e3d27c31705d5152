//! Cards that this process is sending or changing: one call at a time per session, and a bounded number per app, so
//! that an app whose platform hangs takes nobody else's place.
//!
//! Kept in memory only: after a crash the stored due time brings a card back, and a repeated send has the same uuid.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::ids::AppId;

/// Cards of one app that the job has under way at the same time; more than a platform takes in the job's period.
const PER_APP: usize = 256;

/// What is under way. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Deliveries(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    under_way: HashMap<AuthSessionId, CancellationToken>,
    /// How many of them are the job's, by app.
    of_job: HashMap<AppId, usize>,
    /// Sends of which it is certain that the platform has taken none so far.
    untaken: HashSet<AuthSessionId>,
}

/// The right to send or change one session's card. Whoever waits for it is woken when it is dropped.
pub(super) struct Delivery {
    all: Deliveries,
    /// Whose card.
    pub(super) id: AuthSessionId,
    job_of: Option<AppId>,
}

impl Deliveries {
    /// The first send of a session's card; `None` if somebody is at it.
    pub(super) fn begin_first(&self, session: &AuthSession) -> Option<Delivery> {
        let mut known = self.known();
        let delivery = self.begin(&mut known, session, None)?;
        known.untaken.insert(session.id.clone());
        Some(delivery)
    }

    /// Work of the job; `None` if somebody is at it, or the app has enough under way.
    pub(super) fn begin_due(&self, session: &AuthSession) -> Option<Delivery> {
        let mut known = self.known();
        let app = &session.subject.app;
        if known.of_job.get(app).is_some_and(|count| *count >= PER_APP) {
            return None;
        }
        let delivery = self.begin(&mut known, session, Some(app.clone()))?;
        *known.of_job.entry(app.clone()).or_default() += 1;
        Some(delivery)
    }

    fn begin(&self, known: &mut Known, session: &AuthSession, job_of: Option<AppId>) -> Option<Delivery> {
        if known.under_way.contains_key(&session.id) {
            return None;
        }
        known.under_way.insert(session.id.clone(), CancellationToken::new());
        Some(Delivery { all: self.clone(), id: session.id.clone(), job_of })
    }

    /// Fires when what is under way for this session is done; `None` if nothing is.
    pub(super) fn under_way(&self, id: &AuthSessionId) -> Option<CancellationToken> {
        self.known().under_way.get(id).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Delivery {
    /// Whether no send of this card has been taken so far. Forgotten with the answer: a send is about to be made, and
    /// if nobody comes back from it, it may have been.
    pub(super) fn take_untaken(&self) -> bool {
        self.all.known().untaken.remove(&self.id)
    }

    /// The send that was made was not taken, nor any before.
    pub(super) fn still_untaken(&self) {
        self.all.known().untaken.insert(self.id.clone());
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut known = self.all.known();
        if let Some(done) = known.under_way.remove(&self.id) {
            done.cancel();
        }
        let Some(app) = &self.job_of else { return };
        if let Some(count) = known.of_job.get_mut(app) {
            *count = count.saturating_sub(1);
        }
    }
}
