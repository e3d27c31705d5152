//! Where a cell runs: on which database, who goes on afterwards, and how fast time goes.

use std::time::Duration;

use cardkey_engines::Engine;
use cardkey_sandbox::{Lifetimes, Options};

use crate::harness::Setup;

/// Who goes on after the death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The same process, started again.
    Again,
    /// Another one, which runs before the first is killed. The first is never started again.
    Another,
}

/// A database, and who goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// The server; none: a file.
    pub(super) engine: Option<Engine>,
    pub(super) then: Then,
    /// As the filter names it.
    pub(super) name: &'static str,
    /// As the report names it.
    pub(super) title: &'static str,
}

/// All there are. A file has one process at a time.
pub(super) const SEATS: &[Seat] = &[
    Seat { engine: None, then: Then::Again, name: "sqlite again", title: "SQLite, a new process" },
    Seat {
        engine: Some(Engine::Postgres),
        then: Then::Again,
        name: "postgres again",
        title: "PostgreSQL, the same process restarts",
    },
    Seat {
        engine: Some(Engine::Postgres),
        then: Then::Another,
        name: "postgres another",
        title: "PostgreSQL, another takes over",
    },
    Seat {
        engine: Some(Engine::MariaDb),
        then: Then::Again,
        name: "mariadb again",
        title: "MariaDB, the same process restarts",
    },
    Seat {
        engine: Some(Engine::MariaDb),
        then: Then::Another,
        name: "mariadb another",
        title: "MariaDB, another takes over",
    },
];

/// How fast time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// A fiftieth, in the same order.
    Scaled,
    /// The settings that the program has by itself.
    Real,
}

impl Pace {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Scaled => "scaled",
            Self::Real => "real",
        }
    }

    /// How long a claim keeps others away.
    pub(super) const fn lease(self) -> Duration {
        match self {
            Self::Scaled => Duration::from_millis(1_800),
            Self::Real => Duration::from_secs(90),
        }
    }

    /// The time for the answer and for saving it: whoever sent has it, counted from the send.
    pub(super) const fn undisturbed(self) -> Duration {
        match self {
            Self::Scaled => Duration::from_millis(1_400),
            Self::Real => Duration::from_secs(70),
        }
    }

    /// A world in which an access token lives for two seconds and is refreshed after one.
    pub(super) fn setup(self) -> Setup {
        self.setup_with_lives_of(2)
    }

    /// A world in which an access token lives for so many seconds and is refreshed after half of them.
    pub(super) fn setup_with_lives_of(self, access_token_s: i64) -> Setup {
        let lifetimes = Lifetimes { access_token_s, ..Lifetimes::default() };
        let setup = Setup { sandbox: Options { lifetimes, ..Options::default() }, ..Setup::default() };
        let setup = setup.variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5").app("refresh = \"eager\"");
        let scaled = [("ANSWER", "1.2"), ("SAVE", "0.2"), ("LEASE", "1.8"), ("RETRY", "0.1")];
        let scaled = scaled.iter().filter(|_| self == Self::Scaled);
        scaled.fold(setup, |setup, (name, value)| setup.variable(&format!("CARDKEY_REFRESH__{name}_SECONDS"), value))
    }
}
