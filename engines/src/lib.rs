//! Database servers for the tests: real ones, from the system's packages, on a loopback port and in a folder of their
//! own. One server of a kind for a test process, started by the first test that needs it; a database for each test.
//!
//! A server must not outlive the process that started it, however that ends. So it is the child of a shell that waits
//! for the end of a pipe, whose other end this process holds: when this process is gone, even killed, the shell ends
//! the server by its id and removes the folder. A server never runs as root.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its servers too")]

mod dump;
mod failover;
mod mariadb;
mod mortal;
mod postgres;
mod redis;
mod server;
mod session;
mod tls;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use failover::Failover;
pub use mortal::Mortal;
pub use redis::Redis;
use server::{Care, Server};
pub use session::Transaction;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
}

impl Engine {
    /// Makes an empty database; its URL.
    #[must_use]
    pub fn database(self) -> String {
        self.make(self.server())
    }

    /// The same on a server of its own that speaks no TLS.
    #[must_use]
    pub fn database_in_clear(self) -> String {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        match self {
            Self::Postgres => self.make(POSTGRES.get_or_init(|| postgres::start(false, Care::Haste))),
            Self::MariaDb => self.make(MARIADB.get_or_init(|| mariadb::start(false, Care::Haste))),
        }
    }

    /// Everything in the database of this URL, as the server's own program writes it.
    #[must_use]
    pub fn dump(self, url: &str) -> Vec<u8> {
        dump::dump(self, url)
    }

    /// The same on a server of its own that waits for the disk and has memory, as in production: for measuring.
    #[must_use]
    pub fn database_on_disk(self) -> String {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        match self {
            Self::Postgres => self.make(POSTGRES.get_or_init(|| postgres::start(false, Care::Disk))),
            Self::MariaDb => self.make(MARIADB.get_or_init(|| mariadb::start(false, Care::Disk))),
        }
    }

    /// The file with the authority that signed the server's certificate.
    #[must_use]
    pub fn authority(self) -> Option<PathBuf> {
        self.server().authority.clone()
    }

    fn make(self, server: &Server) -> String {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        match self {
            Self::Postgres => postgres::make(server, &name),
            Self::MariaDb => mariadb::make(server, &name),
        }
    }

    /// Runs SQL as the server's administrator, past everything that a test has open.
    pub fn administer(self, sql: &str) {
        match self {
            Self::Postgres => postgres::run(self.server(), sql),
            Self::MariaDb => mariadb::run(self.server(), sql),
        }
    }

    /// Runs SQL as the server's administrator in the database of this URL; what it answers, a row a line.
    #[must_use]
    pub fn query(self, database: &str, sql: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or_default();
        match self {
            Self::Postgres => postgres::query(self.server(), name, sql),
            Self::MariaDb => mariadb::query(self.server(), name, sql),
        }
    }

    fn server(self) -> &'static Server {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        match self {
            Self::Postgres => POSTGRES.get_or_init(|| postgres::start(true, Care::Haste)),
            Self::MariaDb => MARIADB.get_or_init(|| mariadb::start(true, Care::Haste)),
        }
    }
}
