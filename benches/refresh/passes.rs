//! What a pass of the scheduler costs: finding what is due, and the claim of each grant that is found, which is the durable
//! part of starting its refresh. Nothing is sent.
//!
//! Row n of a database is due n seconds after the first, so that `now` says how many are due. A claim with a lease of years
//! takes its grant out of what is due, and the next round begins behind it.

use std::path::Path;
use std::time::{Duration, Instant};

use cardkey::app::OsRandom;
use cardkey::domain::clock::Timestamp;
use cardkey::domain::ids::{AttemptId, GrantId};
use cardkey::store::{Attempt, Claimed, DueGrant, Store};
use futures_util::StreamExt as _;

use crate::databases::{Home, Kind, Row, app};
use crate::scramble;

/// Refreshes that one pass starts at most: as many as may be in flight, set to the most that the product allows.
pub(crate) const ROOM: u64 = 1_000;
/// Claims under way at once.
const AT_ONCE: usize = 64;
const YEARS: Duration = Duration::from_hours(24 * 400);
/// As in the scheduler: what is too late within this time goes first.
const SOON: Duration = Duration::from_mins(10);

/// A database with so many grants.
pub(crate) struct Stock {
    pub(crate) home: Home,
    pub(crate) stored: usize,
    store: Option<Store>,
    first: Timestamp,
    /// So many were claimed.
    taken: i64,
}

/// What a pass took.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) find: Duration,
    pub(crate) claim: Duration,
    pub(crate) found: usize,
}

impl Stock {
    /// Makes and fills it; nothing is due before a day has gone by.
    pub(crate) async fn new(kind: Kind, folder: &Path, stored: usize, now: Timestamp) -> Self {
        let home = Home::new(kind, folder, &format!("stored-{stored}")).await;
        let first = now.plus(Duration::from_hours(24));
        home.fill((0..stored).map(|number| row(number, first))).await;
        Self { home, stored, store: None, first, taken: 0 }
    }

    /// Takes the database, which no gateway must have.
    pub(crate) async fn open(&mut self) {
        self.store = Some(self.home.store().await);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// The time at which so many are due.
    pub(crate) fn when_due(&self, due: i64) -> Timestamp {
        due_at(self.first, self.taken + due - 1)
    }

    /// Lets go of it.
    pub(crate) async fn close(&self) {
        self.store().close().await;
    }

    /// One pass with so many due, all of it.
    pub(crate) async fn pass(&mut self, due: i64) -> Pass {
        let now = self.when_due(due);
        let (find, found) = self.find(now).await;
        let begun = Instant::now();
        self.claim(&found, now).await;
        self.taken += i64::try_from(found.len()).unwrap();
        Pass { find, claim: begun.elapsed(), found: found.len() }
    }

    /// Only the finding, which changes nothing.
    pub(crate) async fn look(&self, due: i64) -> Pass {
        let (find, found) = self.find(self.when_due(due)).await;
        Pass { find, claim: Duration::ZERO, found: found.len() }
    }

    /// Passes until nothing is due.
    pub(crate) async fn drain(&mut self, due: i64) -> Vec<Pass> {
        let (now, mut passes) = (self.when_due(due), Vec::new());
        loop {
            let left = (now.since(self.first).as_secs() + 1).saturating_sub(u64::try_from(self.taken).unwrap());
            if left == 0 {
                return passes;
            }
            passes.push(self.pass(i64::try_from(left).unwrap()).await);
        }
    }

    async fn find(&self, now: Timestamp) -> (Duration, Vec<DueGrant>) {
        let begun = Instant::now();
        let urgent = self.store().urgent_grants(&app(), now, now.plus(SOON), ROOM).await.unwrap();
        assert!(urgent.is_empty(), "every deadline is far");
        let found = self.store().due_grants(&app(), now, ROOM).await.unwrap();
        (begun.elapsed(), found)
    }

    async fn claim(&self, found: &[DueGrant], now: Timestamp) {
        let claims = found.iter().map(|due| {
            let attempt = Attempt {
                id: AttemptId::generate(now, &OsRandom),
                owner: "bench".to_owned(),
                grant: due.id.clone(),
                generation: due.version.generation,
            };
            async move { self.store().claim_refresh(&attempt, YEARS, now).await.unwrap() }
        });
        let mut claims = futures_util::stream::iter(claims).buffer_unordered(AT_ONCE);
        while let Some(claimed) = claims.next().await {
            assert!(matches!(claimed, Claimed::Won { .. }), "{claimed:?}");
        }
    }
}

fn due_at(first: Timestamp, number: i64) -> Timestamp {
    first.plus(Duration::from_secs(u64::try_from(number).unwrap()))
}

fn row(number: usize, first: Timestamp) -> Row {
    let due = due_at(first, i64::try_from(number).unwrap());
    let obtained_at = due.minus(Duration::from_hours(5 * 24));
    let mixed = scramble(number as u64);
    Row {
        // As spread over the table as ids of people who came one by one and were refreshed in any order.
        id: GrantId::parse(&format!("{mixed:016x}-{number:x}")).unwrap(),
        subject: format!("ou_{mixed:016x}{:016x}", scramble(mixed)),
        access: text(mixed, 1_000),
        refresh: text(!mixed, 600),
        obtained_at,
        access_ends: obtained_at.plus(Duration::from_hours(2)),
        refresh_ends: obtained_at.plus(Duration::from_hours(7 * 24)),
        due,
        deadline: obtained_at.plus(Duration::from_hours(7 * 24)),
    }
}

/// As long as a platform's token, and as hard to compress.
pub(crate) fn text(seed: u64, length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    let mut mixed = seed;
    while text.len() < length {
        mixed = scramble(mixed);
        text += &hex(mixed);
    }
    text.truncate(length);
    text
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}
