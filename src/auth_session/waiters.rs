//! Callers that wait for a session to end, woken by its id, or let go because there is nothing left to wait for.
//!
//! A waiter subscribes first and reads the store after, so that an end between the two wakes it at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::clock::Timestamp;
use crate::domain::ids::Subject;

/// Who waits, by session.
type Map = Mutex<HashMap<AuthSessionId, Entry>>;

/// Who waits for what.
#[derive(Default)]
pub(super) struct Waiters(Arc<Map>);

/// The waiters of one session.
struct Entry {
    call: Arc<Call>,
    watched: Watched,
    count: usize,
}

/// What is waited for: a session as it stood when the first waiter came.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// The session.
    pub(super) id: AuthSessionId,
    /// Whose it is.
    pub(super) subject: Subject,
    /// Its phase.
    pub(super) phase: &'static str,
    /// When who waited for it was let go.
    pub(super) let_go_at: Option<Timestamp>,
}

impl Watched {
    /// Whether there is something to see: it is gone, in another phase, or who waits is let go.
    pub(super) fn has_moved(&self, now: Option<&(String, Option<Timestamp>)>) -> bool {
        now.is_none_or(|(phase, let_go_at)| phase != self.phase || *let_go_at != self.let_go_at)
    }
}

/// What wakes them.
#[derive(Default)]
struct Call {
    notify: Notify,
    /// Whether they need not wait any longer, although the session has not ended.
    released: AtomicBool,
}

/// One waiter; the last one to go takes the entry with it.
pub(super) struct Waiter {
    map: Arc<Map>,
    id: AuthSessionId,
    subject: Subject,
    call: Arc<Call>,
}

impl Waiters {
    /// From now on a wake of this session is not missed.
    pub(super) fn subscribe(&self, session: &AuthSession) -> Waiter {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let phase = session.state.phase();
        let let_go_at = session.let_go_at;
        let watched = || Watched { id: session.id.clone(), subject: session.subject.clone(), phase, let_go_at };
        let new = || Entry { call: Arc::default(), watched: watched(), count: 0 };
        let entry = map.entry(session.id.clone()).or_insert_with(new);
        entry.count += 1;
        let (id, subject) = (session.id.clone(), session.subject.clone());
        Waiter { map: Arc::clone(&self.0), id, subject, call: Arc::clone(&entry.call) }
    }

    /// What somebody waits for.
    pub(super) fn watched(&self) -> Vec<Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().map(|entry| entry.watched.clone()).collect()
    }

    /// Wakes everybody who waits for this id, and everybody who subscribed and does not wait yet.
    pub(super) fn wake(&self, id: &AuthSessionId) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(entry) = taken {
            // Each waiter passes the permit on, see `Waiter::notified`.
            entry.call.notify.notify_one();
        }
    }

    /// Lets everybody go who waits for a session of these people.
    pub(super) fn release(&self, concerned: impl Fn(&Subject) -> bool) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, entry) in map.extract_if(|_, entry| concerned(&entry.watched.subject)) {
            entry.call.released.store(true, Ordering::Release);
            entry.call.notify.notify_one();
        }
    }
}

impl Waiter {
    /// Resolves once the session was woken.
    pub(super) async fn notified(&self) {
        self.call.notify.notified().await;
        self.call.notify.notify_one();
    }

    /// Whose session it is.
    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether it was let go.
    pub(super) fn is_released(&self) -> bool {
        self.call.released.load(Ordering::Acquire)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = map.get_mut(&self.id) else { return };
        if !Arc::ptr_eq(&entry.call, &self.call) {
            return;
        }
        entry.count -= 1;
        if entry.count == 0 {
            map.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth_session::tests::rig::session_of;

    #[tokio::test]
    async fn wakes_all_who_subscribed_even_before_they_wait() {
        let waiters = Waiters::default();
        let session = session_of("s", "ou_1");
        let all: Vec<_> = (0..3).map(|_| waiters.subscribe(&session)).collect();
        waiters.wake(&session.id);
        for waiter in &all {
            waiter.notified().await;
            assert!(!waiter.is_released());
        }
    }

    #[tokio::test]
    async fn releases_all_who_wait_for_whom_it_concerns_and_nobody_else() {
        let waiters = Waiters::default();
        let (mine, other) = (session_of("s", "ou_1"), session_of("t", "ou_2"));
        let all: Vec<_> = (0..3).map(|_| waiters.subscribe(&mine)).collect();
        let another = waiters.subscribe(&other);
        waiters.release(|subject| *subject == mine.subject);
        for waiter in &all {
            waiter.notified().await;
            assert!(waiter.is_released());
        }
        assert!(!another.is_released());
        assert!(!waiters.subscribe(&mine).is_released(), "who comes later waits");
    }

    #[tokio::test]
    async fn keeps_nothing_of_those_who_left() {
        let waiters = Waiters::default();
        let session = session_of("s", "ou_1");
        let (one, two) = (waiters.subscribe(&session), waiters.subscribe(&session));
        drop(one);
        assert_eq!(waiters.0.lock().unwrap().len(), 1);
        drop(two);
        assert!(waiters.0.lock().unwrap().is_empty());
    }
}
