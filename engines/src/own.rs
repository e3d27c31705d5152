//! A server of one test's own, which can be stopped and started again. What it has acknowledged survives that.

use crate::server::Server;
use crate::{Engine, mariadb, postgres};

/// A server that nobody else uses.
#[derive(Debug)]
pub struct OwnServer {
    engine: Engine,
    server: Server,
}

impl OwnServer {
    /// Starts one.
    #[must_use]
    pub fn start(engine: Engine) -> Self {
        let server = match engine {
            Engine::Postgres => postgres::start(false),
            Engine::MariaDb => mariadb::start(false),
        };
        Self { engine, server }
    }

    /// Makes an empty database; its URL.
    #[must_use]
    pub fn database(&self) -> String {
        match self.engine {
            Engine::Postgres => {
                let url = postgres::make(&self.server, "own");
                // Its end is a crash, as far as PostgreSQL is concerned.
                postgres::run(&self.server, "ALTER DATABASE own SET synchronous_commit = on;");
                url
            }
            Engine::MariaDb => mariadb::make(&self.server, "own"),
        }
    }

    /// Stops it: connections break, and new ones are refused.
    pub fn stop(&mut self) {
        self.server.order("stop");
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.server.order("start");
        match self.engine {
            Engine::Postgres => postgres::up(&self.server),
            Engine::MariaDb => mariadb::up(&self.server),
        }
    }
}
