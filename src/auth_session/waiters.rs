//! Callers that wait for a session to end, woken by its id.
//!
//! A waiter subscribes first and reads the store after, so that an end between the two wakes it at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::auth_session::AuthSessionId;

/// For each session, what wakes its waiters, and how many there are.
type Map = Mutex<HashMap<AuthSessionId, (Arc<Notify>, usize)>>;

/// Who waits for what.
#[derive(Default)]
pub(super) struct Waiters(Arc<Map>);

/// One waiter; the last one to go takes the entry with it.
pub(super) struct Waiter {
    map: Arc<Map>,
    id: AuthSessionId,
    notify: Arc<Notify>,
}

impl Waiters {
    /// From now on a wake of this id is not missed.
    pub(super) fn subscribe(&self, id: &AuthSessionId) -> Waiter {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (notify, count) = map.entry(id.clone()).or_default();
        *count += 1;
        let notify = Arc::clone(notify);
        Waiter { map: Arc::clone(&self.0), id: id.clone(), notify }
    }

    /// Wakes everybody who waits for this id, and everybody who subscribed and does not wait yet.
    pub(super) fn wake(&self, id: &AuthSessionId) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some((notify, _)) = taken {
            // Each waiter passes the permit on, see `Waiter::notified`.
            notify.notify_one();
        }
    }
}

impl Waiter {
    /// Resolves once the session was woken.
    pub(super) async fn notified(&self) {
        self.notify.notified().await;
        self.notify.notify_one();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((notify, count)) = map.get_mut(&self.id) else { return };
        if !Arc::ptr_eq(notify, &self.notify) {
            return;
        }
        *count -= 1;
        if *count == 0 {
            map.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakes_all_who_subscribed_even_before_they_wait() {
        let waiters = Waiters::default();
        let id = AuthSessionId::parse("s").unwrap();
        let all: Vec<_> = (0..3).map(|_| waiters.subscribe(&id)).collect();
        waiters.wake(&id);
        for waiter in &all {
            waiter.notified().await;
        }
    }

    #[tokio::test]
    async fn keeps_nothing_of_those_who_left() {
        let waiters = Waiters::default();
        let id = AuthSessionId::parse("s").unwrap();
        let (one, two) = (waiters.subscribe(&id), waiters.subscribe(&id));
        drop(one);
        assert_eq!(waiters.0.lock().unwrap().len(), 1);
        drop(two);
        assert!(waiters.0.lock().unwrap().is_empty());
    }
}
