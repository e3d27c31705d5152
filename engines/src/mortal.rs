//! A server of a test's own, which dies and comes back. What it has said to be committed it has then.

use crate::server::{Care, Server};
use crate::{Engine, mariadb, postgres};

/// A server that a test may end. It is gone when this is dropped.
#[derive(Debug)]
pub struct Mortal {
    engine: Engine,
    server: Server,
}

impl Mortal {
    /// Starts one; it speaks no TLS.
    #[must_use]
    pub fn start(engine: Engine) -> Self {
        let server = match engine {
            Engine::Postgres => postgres::start(false, Care::Kept),
            Engine::MariaDb => mariadb::start(false, Care::Kept),
        };
        Self { engine, server }
    }

    /// Makes an empty database; its URL.
    #[must_use]
    pub fn database(&self) -> String {
        self.engine.make(&self.server)
    }

    /// Ends it as if by a crash, and waits until it is up again.
    pub fn crash(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Ends it as if by a crash: connections break, and new ones are refused.
    pub fn stop(&mut self) {
        self.server.end(match self.engine {
            // To its processes it is one; SIGKILL would leave them behind.
            Engine::Postgres => "QUIT",
            Engine::MariaDb => "KILL",
        });
    }

    /// Starts it again, and waits until it is up.
    pub fn start_again(&mut self) {
        self.server.start();
        match self.engine {
            Engine::Postgres => postgres::up(&self.server),
            Engine::MariaDb => mariadb::up(&self.server),
        }
    }
}
