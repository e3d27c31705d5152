//! The desk between a mini-program and its service: the page lays a login down, the service takes it, asks the gateway who that is, and
//! lays the answer down. The service is whoever drives the control API: a test, or a person with `curl`.
//!
//! A login is taken once. What has been taken and not been answered stays until it is.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

/// The desk.
pub struct Desk {
    papers: Mutex<Papers>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Papers {
    count: u64,
    waiting: VecDeque<(u64, Value)>,
    answers: Vec<(u64, Value)>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { papers: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The mini-program lays a login down. Gives its number.
    pub fn lay(&self, login: Value) -> u64 {
        let id = {
            let mut papers = self.papers();
            papers.count += 1;
            let id = papers.count;
            papers.waiting.push_back((id, login));
            id
        };
        self.changed();
        id
    }

    /// The service takes the oldest login; waits for one.
    pub async fn take(&self) -> Value {
        self.when(|papers| papers.waiting.pop_front()).await.map_or(Value::Null, |(id, mut login)| {
            login["id"] = json!(id);
            login
        })
    }

    /// The service answers a login.
    pub fn answer(&self, id: u64, answer: Value) {
        self.papers().answers.push((id, answer));
        self.changed();
    }

    /// The mini-program waits for the answer to its login.
    pub async fn answered(&self, id: u64) -> Value {
        let of_it = |papers: &mut Papers| {
            let at = papers.answers.iter().position(|(answered, _)| *answered == id)?;
            Some(papers.answers.swap_remove(at))
        };
        self.when(of_it).await.map_or(Value::Null, |(_, answer)| answer)
    }

    async fn when<T>(&self, mut pick: impl FnMut(&mut Papers) -> Option<T>) -> Option<T> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = pick(&mut self.papers()) {
                return Some(found);
            }
            // The sender lives as long as the desk.
            changes.changed().await.ok()?;
        }
    }
}
