//! A day of a million people at one platform's limit, in virtual time. The rules are the product's own: when a grant is due
//! (`RefreshPlan`), what the shared budget gives (`Limit`), who goes first (`WaitingLine`), when a token is due or lives
//! (`GrantFacts`). Simulated are the platform, the callers, the database (a sorted set in place of the index, without delay
//! and without faults) and the loops that hold the rules together, which follow `grants::scheduler` and `grants::admission`.

mod person;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use cardkey::domain::clock::Timestamp;
use cardkey::domain::grant::GrantFacts;
use cardkey::domain::rate_limit::Limit;
use cardkey::domain::refresh_plan::RefreshPlan;
use cardkey::domain::waiting_line::{FAIR, WaitingLine};

use crate::platform::{ACCESS_LIFE, Platform, REFRESH_LIFE, Took};
use crate::tally::Tally;
use person::{Person, id, part, template};

const HOUR: Duration = Duration::from_hours(1);
const BETWEEN_CALLS: Duration = Duration::from_mins(30);
/// From sending a refresh until its pair is saved.
const FLIGHT: Duration = Duration::from_millis(300);
const PASS_EVERY: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(90);
/// As in `grants`: what would be too late within this time goes first; how long a caller waits, slots reserved at once, the pauses between two looks at an empty bucket.
const SOON: Duration = Duration::from_mins(10);
const CALLER_PATIENCE: Duration = Duration::from_secs(10);
const BATCH: usize = 16;
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));
/// The most that the store gives at once.
const PAGE: usize = 1_000;
const IN_FLIGHT: usize = 64;
const THRESHOLD: f64 = 0.8;

/// Who there is, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) people: usize,
    pub(crate) active: usize,
    pub(crate) hours: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Landing(usize),
    Failure(usize),
    Call(usize),
    Pass,
    Look,
}

/// The gateway, its people and their callers.
pub(crate) struct Simulation {
    now: Timestamp,
    end: Timestamp,
    spec: Spec,
    plan: RefreshPlan,
    limit: Limit,
    people: Vec<Person>,
    due: BTreeSet<(Timestamp, usize)>,
    deadlines: BTreeSet<(Timestamp, usize)>,
    events: BinaryHeap<Reverse<(Timestamp, Event)>>,
    line: WaitingLine<usize>,
    /// Callers who wait for each refresh that waits or is under way.
    flights: HashMap<usize, Vec<Timestamp>>,
    under_way: usize,
    bucket: Timestamp,
    /// The admission sleeps until its next look.
    asleep: bool,
    facts: GrantFacts,
    platform: Platform,
    pub(crate) tally: Tally,
}

impl Simulation {
    /// In the middle of an ordinary day: whoever is used has a pair of any age, whoever is not was refreshed at some time.
    pub(crate) fn new(spec: Spec) -> Self {
        let now = Timestamp::from_secs(2_000_000_000);
        let mut this = Self {
            now,
            end: now.plus(HOUR * spec.hours),
            spec,
            plan: RefreshPlan::default(),
            limit: Limit::within(50, 1_000),
            people: Vec::with_capacity(spec.people),
            due: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            events: BinaryHeap::new(),
            line: WaitingLine::default(),
            flights: HashMap::new(),
            under_way: 0,
            bucket: now,
            asleep: false,
            facts: template(now),
            platform: Platform::default(),
            tally: Tally::default(),
        };
        for number in 0..spec.people {
            this.settle(number);
        }
        this.at(now, Event::Pass);
        this
    }

    fn settle(&mut self, number: usize) {
        let active = number < self.spec.active;
        let longest = if active { ACCESS_LIFE.mul_f64(0.75) } else { REFRESH_LIFE.mul_f64(5.0 / 7.0 - 0.05) };
        let obtained_at = self.now.minus(longest.mul_f64(part(number, 1)));
        let person = Person {
            generation: 1,
            obtained_at,
            refresh_ends: obtained_at.plus(REFRESH_LIFE),
            used_at: active.then_some(obtained_at),
            due: (obtained_at, obtained_at),
            claimed: false,
        };
        self.people.push(person);
        self.platform.knows(obtained_at);
        self.replan(number, self.people[number].used_at);
        if active {
            self.at(self.now.plus(BETWEEN_CALLS.mul_f64(part(number, 2))), Event::Call(number));
        }
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) {
        while let Some(Reverse((at, event))) = self.events.pop() {
            if at > self.end {
                break;
            }
            self.now = at;
            match event {
                Event::Landing(number) => self.landing(number),
                Event::Failure(number) => self.failure(number),
                Event::Call(number) => self.call(number),
                Event::Pass => {
                    self.pass();
                    self.at(self.now.plus(PASS_EVERY), Event::Pass);
                }
                Event::Look => {
                    self.asleep = false;
                    self.admit();
                }
            }
        }
        let left = self.people.iter().map(|person| person.refresh_ends.since(self.end));
        self.tally.least_left_at_the_end = left.min().unwrap_or_default();
        self.tally.platform = self.platform.seen();
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.events.push(Reverse((at, event)));
    }

    /// As `Grants::run_refreshes`.
    fn pass(&mut self) {
        let (now, soon) = (self.now, self.now.plus(SOON));
        let share = IN_FLIGHT.div_ceil(FAIR);
        let near = self.deadlines.range((now, usize::MAX)..=(soon, usize::MAX)).map(|(_, number)| *number);
        let near = near.filter(|number| self.people[*number].due.0 <= now).take(IN_FLIGHT - share);
        let mut next: Vec<usize> = near.collect();
        let room = IN_FLIGHT.saturating_sub(self.line.len() + next.len()).max(share);
        let due = self.due.range(..=(now, usize::MAX)).map(|(_, number)| *number).take(room.min(PAGE));
        let urgent: HashSet<usize> = next.iter().copied().collect();
        next.extend(due.filter(|number| !urgent.contains(number)));
        for number in next {
            let (at, deadline) = self.people[number].due;
            self.tally.most_late = self.tally.most_late.max(now.since(at));
            self.refresh(number, deadline);
        }
        self.admit();
    }

    /// As `Grants::refresh_detached`.
    fn refresh(&mut self, number: usize, deadline: Timestamp) {
        let id = id(number);
        match self.flights.entry(number) {
            Entry::Occupied(_) => self.line.hasten(&id, deadline),
            Entry::Vacant(vacant) => {
                vacant.insert(Vec::new());
                self.line.join(&id, deadline, number);
            }
        }
    }

    /// As `admission::Queue::run`.
    fn admit(&mut self) {
        while !self.asleep && !self.line.is_empty() && self.under_way < IN_FLIGHT {
            let wanted = self.line.len().min(IN_FLIGHT - self.under_way).min(BATCH);
            let (reserved, bucket) = self.limit.reserve(u32::try_from(wanted).unwrap(), self.bucket, self.now);
            if reserved.granted == 0 {
                self.asleep = true;
                self.at(self.now.plus(reserved.wait.clamp(LOOKS.0, LOOKS.1)), Event::Look);
                return;
            }
            self.bucket = bucket;
            for _ in 0..reserved.granted {
                let Some(number) = self.line.take_next() else { return };
                self.send(number);
            }
        }
    }

    /// The claim, which hides the grant for its lease, and the request.
    fn send(&mut self, number: usize) {
        self.under_way += 1;
        let person = &mut self.people[number];
        self.due.remove(&(person.due.0, number));
        person.due.0 = self.now.plus(LEASE);
        person.claimed = true;
        self.due.insert((person.due.0, number));
        if number >= self.spec.active {
            self.tally.least_left_of_idle = self.tally.least_left_of_idle.min(person.refresh_ends.since(self.now));
            self.tally.keep_alives += 1;
        }
        self.tally.refreshes += 1;
        let took = self.platform.refresh(number, person.generation, self.now);
        self.tally.answer(took);
        let event = if took == Took::Pair { Event::Landing(number) } else { Event::Failure(number) };
        self.at(self.now.plus(FLIGHT), event);
    }

    /// As `Store::save_refreshed`: a pair that replaces one that was used will be used as well.
    fn landing(&mut self, number: usize) {
        self.under_way -= 1;
        let was_used = self.facts_of(number).is_used();
        let person = &mut self.people[number];
        person.generation += 1;
        person.claimed = false;
        person.obtained_at = self.now;
        person.refresh_ends = person.obtained_at.plus(REFRESH_LIFE);
        let obtained_at = person.obtained_at;
        self.replan(number, was_used.then_some(obtained_at));
        for since in self.flights.remove(&number).into_iter().flatten() {
            self.tally.waited(self.now.since(since));
        }
        self.pass();
    }

    /// The claim's end brings it back.
    fn failure(&mut self, number: usize) {
        self.under_way -= 1;
        self.people[number].claimed = false;
        self.flights.remove(&number);
        self.admit();
    }

    /// Somebody asks for a token: as `Grants::lookup`.
    fn call(&mut self, number: usize) {
        self.at(self.now.plus(BETWEEN_CALLS), Event::Call(number));
        let (now, facts) = (self.now, self.facts_of(number));
        let (lives, due, used) = (facts.lives_for(now, Duration::ZERO), facts.is_due(now, THRESHOLD), facts.is_used());
        let ends = facts.access_expires_at;
        if lives {
            self.tally.waited(Duration::ZERO);
            if due {
                self.refresh(number, ends);
            }
        } else {
            self.tally.expired_in_use += 1;
            self.refresh(number, now.plus(CALLER_PATIENCE));
            self.flights.entry(number).or_default().push(now);
        }
        if !used && !self.people[number].claimed {
            self.people[number].used_at = Some(now);
            self.replan(number, Some(now));
        }
        self.admit();
    }

    /// When it is due next, if it counts as used then.
    fn replan(&mut self, number: usize, used_at: Option<Timestamp>) {
        let facts = self.facts_of(number);
        let old = facts.used_at;
        facts.used_at = used_at;
        let facts = &self.facts;
        let due = self.plan.next(facts).expect("it lives");
        self.facts.used_at = old;
        let person = &mut self.people[number];
        self.due.remove(&(person.due.0, number));
        self.deadlines.remove(&(person.due.1, number));
        person.due = (due.at, due.deadline);
        self.due.insert((due.at, number));
        self.deadlines.insert((due.deadline, number));
    }

    fn facts_of(&mut self, number: usize) -> &mut GrantFacts {
        self.people[number].describe(number, &mut self.facts);
        &mut self.facts
    }
}
