//! The events that were taken, so that a repeated delivery is known.
//!
//! The table is only appended to; which events it holds is remembered here, 16 bytes of hash for each, read from the
//! table before the first event. An index over random ids would rewrite a page of 16 KiB for each event, which is two
//! hundred times the event itself. For that to be exact, one process at a time takes events: it holds a lock on a file
//! beside the database, and another one is refused (its platform sends the event again, or to somebody else).
//!
//! That is so on SQLite. On a server the table has a unique key, and it decides ([`inbox_key`]).
//!
//! At most [`REMEMBERED`] events are kept; the oldest are forgotten first. What happens to a pending auth session does
//! not depend on it, since every transition is a compare-and-set.

use std::fs::File;
use std::sync::Arc;

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use tokio::sync::oneshot;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, EventId};
use crate::store::digest;
use crate::store::error::StoreError;
use crate::store::inbox_key;
use crate::store::inbox_rows::{self, Appender};
use crate::store::operation::send;
use crate::store::remembered::Remembered;
use crate::store::sqlite::Location;

/// The most events that are remembered: 40 per second for a day. Their hashes take about 100 MB.
const REMEMBERED: usize = 3_500_000;

/// How many rows are read at once.
const CHUNK: u64 = 10_000;

/// How many events are forgotten at once when there are too many: so many that few commits do it, and so few that
/// the events of such a commit hardly feel it.
const SURPLUS: u32 = 2_000;

/// The longest name of an event's kind, in bytes; longer ones are cut.
const MAX_EVENT_TYPE_BYTES: usize = 128;

/// Whether an event is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It was not known and is on the disk now.
    New,
    /// It was known before.
    Duplicate,
}

/// An event that wants to be taken.
pub(super) struct Arrival {
    pub(super) event: InboxEvent,
    pub(super) reply: oneshot::Sender<Result<Accepted, StoreError>>,
}

/// What is kept of an event.
#[derive(Clone)]
pub(super) struct InboxEvent {
    hash: u128,
    app: AppId,
    id: EventId,
    event_type: Arc<str>,
    received_at: i64,
}

impl InboxEvent {
    pub(super) fn new(app: &AppId, id: &EventId, event_type: &str, now: Timestamp) -> Self {
        let cut = event_type.floor_char_boundary(MAX_EVENT_TYPE_BYTES);
        Self {
            hash: digest::event(app, id),
            app: app.clone(),
            id: id.clone(),
            event_type: Arc::from(&event_type[..cut]),
            received_at: now.as_micros(),
        }
    }

    /// The row: app, event, kind and time.
    pub(super) fn row(&self) -> (&str, &str, &str, i64) {
        (self.app.as_str(), self.id.as_str(), &self.event_type, self.received_at)
    }

    /// The row, its texts shared.
    pub(super) fn shared_row(&self) -> ([Arc<str>; 3], i64) {
        ([self.app.shared(), self.id.shared(), Arc::clone(&self.event_type)], self.received_at)
    }
}

impl Arrival {
    pub(super) fn answer(self, result: Result<Accepted, StoreError>) {
        send(self.reply, result);
    }
}

/// A change of what is remembered that is not committed yet.
enum Change {
    Added,
    Forgotten(u128),
}

/// What is remembered. Owned by the writer.
pub(super) struct Inbox {
    /// The file's place; nothing on a server.
    location: Option<Arc<Location>>,
    claim: Option<File>,
    /// The hash of each row, in the order of the rows.
    seen: Remembered,
    changes: Vec<Change>,
    /// [`REMEMBERED`], but in tests.
    pub(super) limit: usize,
    appender: Appender,
}

impl Inbox {
    pub(super) fn new(location: Arc<Location>) -> Self {
        Self { location: Some(location), ..Self::keyed() }
    }

    /// One that asks the table.
    pub(super) fn keyed() -> Self {
        Self {
            location: None,
            claim: None,
            seen: Remembered::default(),
            changes: Vec::new(),
            limit: REMEMBERED,
            appender: Appender::default(),
        }
    }

    /// Claims the inbox and reads what it holds, once.
    pub(super) async fn ready(&mut self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        let Some(location) = &self.location else { return Ok(()) };
        if self.claim.is_some() {
            return Ok(());
        }
        let claim = location.try_claim_inbox();
        if claim.is_none() {
            return Err(StoreError::Unavailable("another process takes events into it"));
        }
        self.seen = Remembered::default();
        let mut after = i64::MIN;
        loop {
            let rows = inbox_rows::oldest(tx, after, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            for row in rows {
                self.seen.insert(row.hash);
            }
        }
        self.claim = claim;
        Ok(())
    }

    /// Says of each arrival whether it is new, and remembers it.
    pub(super) fn judge(&mut self, arrivals: Vec<Arrival>) -> Vec<(Arrival, Accepted)> {
        arrivals
            .into_iter()
            .map(|arrival| {
                let accepted = self.remember(arrival.event.hash);
                (arrival, accepted)
            })
            .collect()
    }

    /// Appends what is new.
    pub(super) async fn write(
        &mut self,
        tx: &DatabaseTransaction,
        judged: &[(Arrival, Accepted)],
    ) -> Result<(), StoreError> {
        self.append(tx, judged).await?;
        if self.seen.len() > self.limit {
            self.forget_surplus(tx).await?;
        }
        Ok(())
    }

    /// Whether that many events can be written by [`Inbox::append_at_once`]: by one statement, with nothing to be read or
    /// forgotten besides.
    pub(super) fn appends_at_once(&self, arrivals: usize) -> bool {
        self.claim.is_some() && arrivals <= inbox_rows::WIDEST && self.seen.len() + arrivals <= self.limit
    }

    /// Appends what is new by one statement, and does nothing else.
    pub(super) async fn append_at_once(
        &mut self,
        db: &DatabaseConnection,
        judged: &[(Arrival, Accepted)],
    ) -> Result<(), StoreError> {
        self.appender.append_at_once(db, &new(judged)).await
    }

    async fn append(&mut self, tx: &DatabaseTransaction, judged: &[(Arrival, Accepted)]) -> Result<(), StoreError> {
        self.appender.append(tx, &new(judged)).await
    }

    /// Takes one event together with whatever else its operation does. The operation has found it unknown.
    pub(super) async fn take(&mut self, tx: &DatabaseTransaction, event: &InboxEvent) -> Result<(), StoreError> {
        if self.location.is_none() {
            return match inbox_key::insert(tx, event).await? {
                Accepted::New => Ok(()),
                Accepted::Duplicate => Err(StoreError::Collided),
            };
        }
        self.remember(event.hash);
        self.appender.append(tx, &[event]).await
    }

    /// Whether the event was taken before.
    pub(super) async fn knows(&self, tx: &DatabaseTransaction, event: &InboxEvent) -> Result<bool, StoreError> {
        match self.location {
            Some(_) => Ok(self.seen.contains(&event.hash)),
            None => inbox_key::knows(tx, event).await,
        }
    }

    /// Forgets events that came before `before`, some thousands at most; says how many. None if another process takes
    /// events: what it remembers has to go with the rows.
    pub(super) async fn forget_before(
        &mut self,
        tx: &DatabaseTransaction,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let Some(location) = &self.location else { return inbox_key::forget_before(tx, before).await };
        if self.claim.is_none() {
            self.claim = location.try_claim_inbox();
            if self.claim.is_none() {
                return Ok(0);
            }
            self.claim = None;
            self.ready(tx).await?;
        }
        let mut rows = inbox_rows::oldest(tx, i64::MIN, CHUNK).await?;
        let young = rows.iter().position(|row| row.received_at >= before.as_micros());
        rows.truncate(young.unwrap_or(rows.len()));
        match rows.last() {
            Some(last) => self.forget(tx, rows.len(), last.seq).await,
            None => Ok(0),
        }
    }

    async fn forget_surplus(&mut self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        if let Some(last) = inbox_rows::nth_oldest(tx, u64::from(SURPLUS)).await? {
            self.forget(tx, SURPLUS as usize, last).await?;
        }
        Ok(())
    }

    /// Forgets the oldest `count` events, of which the last is the row `last`.
    async fn forget(&mut self, tx: &DatabaseTransaction, count: usize, last: i64) -> Result<u64, StoreError> {
        for _ in 0..count {
            self.changes.extend(self.seen.take_oldest().map(Change::Forgotten));
        }
        inbox_rows::delete_up_to(tx, last).await
    }

    fn remember(&mut self, hash: u128) -> Accepted {
        if !self.seen.insert(hash) {
            return Accepted::Duplicate;
        }
        self.changes.push(Change::Added);
        Accepted::New
    }

    /// The changes so far are on the disk.
    pub(super) fn commit(&mut self) {
        self.changes.clear();
    }

    /// None of the changes since the last commit came to be.
    pub(super) fn undo(&mut self) {
        self.undo_to(0);
    }

    /// A point to come back to.
    pub(super) const fn mark(&self) -> usize {
        self.changes.len()
    }

    /// None of the changes since the mark came to be.
    pub(super) fn undo_to(&mut self, mark: usize) {
        for change in self.changes.drain(mark..).rev() {
            match change {
                Change::Added => drop(self.seen.take_youngest()),
                Change::Forgotten(hash) => self.seen.put_back_oldest(hash),
            }
        }
    }
}

fn new(judged: &[(Arrival, Accepted)]) -> Vec<&InboxEvent> {
    let new = judged.iter().filter(|(_, accepted)| *accepted == Accepted::New);
    new.map(|(arrival, _)| &arrival.event).collect()
}
