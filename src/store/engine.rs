//! Which database a URL means.

use std::sync::Arc;

use crate::store::StoreConfig;
use crate::store::error::StoreError;
use crate::store::server::Server;
use crate::store::sqlite::Location;

/// The kind of database, ready to be opened.
pub(super) enum Engine {
    /// One file; one process.
    Sqlite(Arc<Location>),
    /// PostgreSQL, MariaDB or MySQL; any number of processes.
    Server(Server),
}

impl Engine {
    pub(super) fn of(config: &StoreConfig) -> Result<Self, StoreError> {
        if config.url.starts_with("sqlite:") {
            return Ok(Self::Sqlite(Arc::new(Location::parse(&config.url)?)));
        }
        Ok(Self::Server(Server::parse(&config.url, config.pool.clone())?))
    }
}

impl StoreConfig {
    /// Checks what can be checked without opening anything.
    pub fn check(&self) -> Result<(), StoreError> {
        Engine::of(self).map(drop)
    }
}
