//! Who is connected: the hub's ends of one stream's connections.
//!
//! `P` is what a platform keeps of each, `C` what its tasks can be told; a list of things to write can always be told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::raw::Wire;
use super::source::Random;
use super::trouble::{BlackHole, Close, CloseWhen};

/// There is no such connection, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such connection is open")]
pub struct NoConnection;

/// All of them, by number.
pub(crate) struct Seats<P, C> {
    open: BTreeMap<u64, Handle<P, C>>,
    next: u64,
}

/// The hub's end of one connection.
pub(crate) struct Handle<P, C> {
    commands: mpsc::UnboundedSender<C>,
    hole: Arc<AtomicBool>,
    /// What the platform keeps of it.
    pub(crate) guest: P,
}

/// The connection's end.
pub(crate) struct Seat<C> {
    pub(crate) commands: mpsc::UnboundedReceiver<C>,
    pub(crate) hole: Arc<AtomicBool>,
}

impl<P, C> Default for Seats<P, C> {
    fn default() -> Self {
        Self { open: BTreeMap::new(), next: 1 }
    }
}

impl<P, C: From<Vec<Wire>>> Seats<P, C> {
    /// A number for a connection that was just accepted.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// From now on the connection can be reached.
    pub(crate) fn take(&mut self, connection: u64, guest: P) -> Seat<C> {
        let (sender, commands) = mpsc::unbounded_channel();
        let hole = Arc::new(AtomicBool::new(false));
        self.open.insert(connection, Handle { commands: sender, hole: Arc::clone(&hole), guest });
        Seat { commands, hole }
    }

    /// The connection is over; false if it never came to be.
    pub(crate) fn leave(&mut self, connection: u64) -> bool {
        self.open.remove(&connection).is_some()
    }

    /// All are over.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// That one, if it is open.
    pub(crate) fn get(&self, connection: u64) -> Option<&Handle<P, C>> {
        self.open.get(&connection)
    }

    /// All that are open, the oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Handle<P, C>)> {
        self.open.iter_mut().map(|(id, handle)| (*id, handle))
    }

    /// That one, or the oldest; if it is open.
    pub(crate) fn resolve(&self, connection: Option<u64>) -> Result<u64, NoConnection> {
        let found = connection.filter(|only| self.open.contains_key(only));
        found.or_else(|| self.open.keys().next().copied().filter(|_| connection.is_none())).ok_or(NoConnection)
    }

    /// Hands that one's task, or the oldest one's, something to do; gives its number.
    pub(crate) fn tell(&self, connection: Option<u64>, command: C) -> Result<u64, NoConnection> {
        let connection = self.resolve(connection)?;
        self.open.get(&connection).ok_or(NoConnection)?.tell(command);
        Ok(connection)
    }

    /// One random connection that takes it, other than `except` where there is one.
    pub(crate) fn choose(&self, random: &mut Random, except: Option<u64>, suits: impl Fn(&P) -> bool) -> Option<u64> {
        let takers = self.open.iter().filter(|(_, handle)| !handle.commands.is_closed() && suits(&handle.guest));
        let takers: Vec<u64> = takers.map(|(id, _)| *id).collect();
        let others: Vec<u64> = takers.iter().copied().filter(|id| Some(*id) != except).collect();
        let pool = if others.is_empty() { takers } else { others };
        pool.get(random.below(pool.len())).copied()
    }

    /// Lets those faults act that act on open connections at once; a close that was one of them is gone.
    pub(crate) fn suffer(&self, hole: Option<&BlackHole>, close: &mut Option<Close>) {
        for (id, handle) in &self.open {
            let swallowed = hole.is_some_and(|hole| hole.connection.is_none_or(|only| only == *id));
            handle.hole.store(swallowed, Ordering::Release);
        }
        if let Some(close) = close.take_if(|close| close.when == CloseWhen::Now) {
            let wire = Wire::close(close.code, &close.reason);
            for handle in self.open.values() {
                handle.tell(vec![wire.clone()].into());
            }
        }
    }
}

impl<P, C> Handle<P, C> {
    /// Hands the connection's task something to do; lost when the connection is just ending.
    pub(crate) fn tell(&self, command: C) {
        let _ = self.commands.send(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = Vec<Wire>;

    fn seats(count: u64) -> (Seats<u64, Told>, Vec<Seat<Told>>) {
        let mut seats = Seats::default();
        let taken = (0..count).map(|guest| {
            let number = seats.number();
            seats.take(number, guest)
        });
        let taken = taken.collect();
        (seats, taken)
    }

    #[test]
    fn numbers_begin_at_one_and_the_oldest_is_meant_without_one() {
        let (mut seats, _ends) = seats(3);
        assert_eq!((seats.resolve(None), seats.resolve(Some(3))), (Ok(1), Ok(3)));
        assert!(seats.leave(1) && !seats.leave(1));
        assert_eq!((seats.resolve(None), seats.resolve(Some(1)), seats.len()), (Ok(2), Err(NoConnection), 2));
        seats.clear();
        assert_eq!(seats.resolve(None), Err(NoConnection));
    }

    #[test]
    fn who_is_chosen_takes_it_and_is_another_one_where_there_is_one() {
        let (seats, mut ends) = seats(3);
        let mut random = Random::new(1);
        let mut choose = |except, takes: fn(&u64) -> bool| seats.choose(&mut random, except, takes);
        for _ in 0..50 {
            assert_ne!(choose(Some(2), |_| true), Some(2));
            assert_eq!(choose(Some(1), |guest| *guest == 0), Some(1), "there is no other");
        }
        assert_eq!(choose(None, |_| false), None);
        ends.remove(0);
        assert_eq!(choose(None, |guest| *guest == 0), None, "its task is over");
    }

    #[test]
    fn faults_act_on_who_is_meant() {
        let (seats, mut ends) = seats(2);
        let hole = BlackHole { connection: Some(2), ..BlackHole::default() };
        let close = |when| Some(Close { code: 1001, reason: String::new(), when, times: None });
        let (mut now, mut later) = (close(CloseWhen::Now), close(CloseWhen::AfterEvent));
        seats.suffer(Some(&hole), &mut now);
        seats.suffer(Some(&hole), &mut later);
        assert_eq!((now.is_none(), later.is_some()), (true, true));
        let holes: Vec<bool> = ends.iter().map(|end| end.hole.load(Ordering::Acquire)).collect();
        assert_eq!(holes, [false, true]);
        for end in &mut ends {
            assert_eq!(end.commands.try_recv().unwrap().len(), 1);
            assert!(end.commands.try_recv().is_err());
        }
    }
}
