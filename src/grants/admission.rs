//! Who may refresh next: at most so many at a time in this process, no more than the platform's limit over all replicas, and
//! whoever is needed earliest first, but for a share of who has waited the longest.
//!
//! The number in flight is the bound on what a `kill -9` can cost. The limit is a bucket in the store for each app: a custom
//! app lives in one organisation, so the app names the platform's pair of (app, organisation). One task per app reserves
//! slots for who waits and lets them in; a caller that joins a refresh which waits brings its own deadline along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::{AppId, GrantId};
use crate::domain::rate_limit::{Limit, Reservation};
use crate::domain::waiting_line::WaitingLine;
use crate::store::Store;

/// Slots reserved at once, so that a long queue does not cost a transaction each.
const BATCH: usize = 16;

/// The pause after the store gave no answer: a replica without its database sends nothing.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The pauses between two looks at a bucket that is empty.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What admissions are made of.
pub(super) struct Gate {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limit: Limit,
    pub(super) soft: CancellationToken,
}

/// The queue of one app.
pub(super) struct Queue {
    app: AppId,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    line: WaitingLine<oneshot::Sender<OwnedSemaphorePermit>>,
    /// Nobody is let in any more.
    closed: bool,
}

/// Let in: held until the refresh is over.
pub(super) struct Admitted(OwnedSemaphorePermit);

impl Queue {
    pub(super) fn new(app: AppId) -> Self {
        Self { app, waiting: Mutex::default(), news: Notify::new() }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().line.len()
    }

    /// Waits to be let in; `None` when the process ends.
    pub(super) async fn enter(&self, grant: &GrantId, deadline: Timestamp) -> Option<Admitted> {
        let (sender, admitted) = oneshot::channel();
        self.join(grant, deadline, sender);
        self.news.notify_one();
        admitted.await.ok().map(Admitted)
    }

    fn join(&self, grant: &GrantId, deadline: Timestamp, sender: oneshot::Sender<OwnedSemaphorePermit>) {
        let mut waiting = self.waiting();
        if !waiting.closed {
            waiting.line.join(grant, deadline, sender);
        }
    }

    /// Moves a refresh that waits forward.
    pub(super) fn hasten(&self, grant: &GrantId, deadline: Timestamp) {
        self.waiting().line.hasten(grant, deadline);
    }

    /// Lets in who waits, until the process ends.
    pub(super) async fn run(&self, gate: Gate, permits: Arc<Semaphore>) {
        let serve = async {
            loop {
                match self.next_wanted(&permits).await {
                    0 => self.news.notified().await,
                    wanted => self.let_in(&gate, &permits, wanted).await,
                }
            }
        };
        tokio::select! {
            () = gate.soft.cancelled() => {}
            () = serve => {}
        }
        // Whoever waits, and whoever comes, is told by its sender's end.
        *self.waiting() = Waiting { closed: true, ..Waiting::default() };
    }

    /// How many can be let in at once; waits until one can, if anybody wants to.
    async fn next_wanted(&self, permits: &Arc<Semaphore>) -> usize {
        let waiting = self.len();
        if waiting > 0
            && let Ok(free) = permits.acquire().await
        {
            drop(free);
        }
        waiting.min(permits.available_permits().max(1)).min(BATCH)
    }

    async fn let_in(&self, gate: &Gate, permits: &Arc<Semaphore>, wanted: usize) {
        let now = gate.clock.now();
        let slots = u32::try_from(wanted).unwrap_or(1);
        match gate.store.reserve(self.app.as_str(), gate.limit, slots, now).await {
            // Looked at again soon, however long it is: another process may open or close the bucket, and the clock may be set.
            Ok(Reservation { granted: 0, wait }) => tokio::time::sleep(wait.clamp(SHORTEST_LOOK, LONGEST_LOOK)).await,
            Ok(Reservation { granted, .. }) => {
                for _ in 0..granted {
                    let Ok(permit) = Arc::clone(permits).acquire_owned().await else { return };
                    self.admit(permit);
                }
            }
            Err(error) => {
                tracing::warn!(app = %self.app, %error, "no refresh is started: the shared budget cannot be read");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    /// Lets the next in instead of one that found nothing to do: what was reserved at the platform's limit is not spent.
    pub(super) fn pass_on(&self, admitted: Admitted) {
        self.admit(admitted.0);
    }

    /// Lets in whose turn it is. If it does not wait any more, the next.
    fn admit(&self, mut permit: OwnedSemaphorePermit) {
        while let Some(next) = self.waiting().line.take_next() {
            match next.send(permit) {
                Ok(()) => return,
                Err(back) => permit = back,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
