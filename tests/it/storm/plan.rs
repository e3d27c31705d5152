//! How large a storm is, how fast its times run, and the pseudo-random draws that everything in it comes from.

use std::ops::Range;
use std::time::Duration;

use cardkey::domain::refresh::Timers;
use cardkey_engines::Engine;
use cardkey_sandbox::random::{STEP, mix};
use cardkey_sandbox::{Lifetimes, Options};

use crate::harness::Setup;

/// The used share of an access token's life at which it is refreshed.
pub(super) const THRESHOLD: f64 = 0.5;

/// What two processor cores have to spare for a large storm.
const REFRESHES_A_SECOND: usize = 120;

/// What a storm is made with.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) engine: Engine,
    pub(super) people: usize,
    /// How long faults come.
    pub(super) length: Duration,
    /// The same seed draws the same faults, in the same order.
    pub(super) seed: u64,
    /// How long an access token lives, in seconds.
    pub(super) life_s: i64,
    pub(super) timers: Timers,
    pub(super) in_flight: usize,
    pub(super) per_second: usize,
    pub(super) per_minute: usize,
    /// Between two faults of the platform.
    pub(super) fault_every: Range<Duration>,
    /// How many refreshes one of them meets.
    pub(super) fault_meets: usize,
    /// Between two faults of the database.
    pub(super) database_every: Range<Duration>,
    /// Between two strokes against a gateway.
    pub(super) stroke_every: Range<Duration>,
    /// Between two things that people do.
    pub(super) people_every: Range<Duration>,
    /// Callers at a time.
    pub(super) callers: usize,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn timers(answer: u64, save: u64, lease: u64, retry: u64) -> Timers {
    Timers { answer: ms(answer), save: ms(save), lease: ms(lease), retry: ms(retry) }
}

impl Plan {
    /// Seconds, for every run of the tests.
    pub(super) fn small(engine: Engine, seed: u64) -> Self {
        Self {
            engine,
            people: 150,
            length: Duration::from_secs(5),
            seed,
            life_s: 6,
            timers: timers(1_500, 400, 2_500, 200),
            in_flight: 16,
            per_second: 200,
            per_minute: 10_000,
            fault_every: ms(200)..ms(500),
            fault_meets: 3,
            database_every: ms(1_200)..ms(1_800),
            stroke_every: ms(900)..ms(1_300),
            people_every: ms(300)..ms(600),
            callers: 2,
        }
    }

    /// Minutes, for `make test-long`.
    pub(super) fn long(engine: Engine, seed: u64, people: usize, length: Duration) -> Self {
        // Everybody is refreshed at half of it.
        let life_s = i64::try_from(2 * people / REFRESHES_A_SECOND).unwrap().max(30);
        Self {
            engine,
            people,
            length,
            seed,
            life_s,
            timers: timers(4_000, 1_000, 8_000, 300),
            in_flight: 32,
            per_second: 400,
            per_minute: 20_000,
            fault_every: ms(1_000)..ms(2_000),
            fault_meets: 12,
            database_every: ms(8_000)..ms(16_000),
            stroke_every: ms(6_000)..ms(12_000),
            people_every: ms(300)..ms(700),
            callers: 4,
        }
    }

    pub(super) fn setup(&self) -> Setup {
        let lifetimes = Lifetimes { access_token_s: self.life_s, ..Lifetimes::default() };
        let sandbox =
            // The platform pushes again soon what a killed gateway has not acknowledged. The hour for which it knows a message
            // again stays longer than the two minutes after which a send that a kill broke off is repeated.
            Options { lifetimes, generated_people: self.people, time_scale: 0.05, ..Options::default() };
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let variables = [
            ("AUTH_TOKEN_REFRESH_THRESHOLD", THRESHOLD.to_string()),
            ("CARDKEY_DATABASE__POOL_SIZE", "16".to_owned()),
            ("CARDKEY_LOG__LEVEL", "info".to_owned()),
            ("CARDKEY_REFRESH__ANSWER_SECONDS", seconds(self.timers.answer)),
            ("CARDKEY_REFRESH__SAVE_SECONDS", seconds(self.timers.save)),
            ("CARDKEY_REFRESH__LEASE_SECONDS", seconds(self.timers.lease)),
            ("CARDKEY_REFRESH__RETRY_SECONDS", seconds(self.timers.retry)),
            ("CARDKEY_REFRESH__IN_FLIGHT", self.in_flight.to_string()),
            ("CARDKEY_REFRESH__PER_SECOND", self.per_second.to_string()),
            ("CARDKEY_REFRESH__PER_MINUTE", self.per_minute.to_string()),
        ];
        let setup = Setup { sandbox, ..Setup::default() }.app("refresh = \"eager\"");
        variables.iter().fold(setup, |setup, (name, value)| setup.variable(name, value))
    }

    /// How long a gateway is stopped.
    pub(super) fn stopped(&self) -> Duration {
        self.timers.lease + ms(500)
    }

    /// A sequence of draws; each part of the storm has one of its own.
    pub(super) const fn draw(&self, part: u64) -> Draw {
        Draw(mix(self.seed ^ mix(part)))
    }
}

/// A pseudo-random sequence.
pub(super) struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// One of the numbers below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub(super) fn within(&mut self, range: &Range<Duration>) -> Duration {
        let width = range.end.saturating_sub(range.start).as_millis();
        range.start + ms(self.next() % u64::try_from(width).unwrap())
    }
}
