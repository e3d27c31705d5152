//! A PostgreSQL server and its standby, which takes its place when it dies.

use std::net::{Ipv4Addr, SocketAddr};

use crate::server::{Care, Server};
use crate::{Engine, postgres};

/// A primary, and its standby once there is one. Both are gone when this is dropped.
#[derive(Debug)]
pub struct Failover {
    primary: Server,
    standby: Option<Server>,
}

impl Failover {
    /// Starts a primary; it speaks no TLS.
    #[must_use]
    pub fn start() -> Self {
        Self { primary: postgres::start(false, Care::Kept), standby: None }
    }

    /// Where the primary listens.
    #[must_use]
    pub fn primary(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.primary.port).into()
    }

    /// Makes an empty database; its name.
    #[must_use]
    pub fn database(&self) -> String {
        let url = Engine::Postgres.make(&self.primary);
        url.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Starts the standby, which hears of the primary's changes by way of this port, and waits until it has them all. If it is
    /// `synchronous`, nothing is committed from then on that it does not have.
    pub fn start_standby(&mut self, via: u16, synchronous: bool) {
        self.standby = Some(postgres::start_standby(self.primary.port, via));
        postgres::caught_up(&self.primary);
        if synchronous {
            postgres::run(&self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*';\nSELECT pg_reload_conf();");
            postgres::synchronous(&self.primary);
        }
    }

    /// Waits until the standby has all that the primary has.
    pub fn caught_up(&self) {
        postgres::caught_up(&self.primary);
    }

    /// The primary dies for good, and the standby takes its place; where that listens.
    ///
    /// # Panics
    ///
    /// If there is no standby.
    #[must_use]
    pub fn fail_over(&mut self) -> SocketAddr {
        self.primary.end("QUIT");
        let standby = self.standby.as_ref().unwrap();
        postgres::run(standby, "SELECT pg_promote(true);");
        (Ipv4Addr::LOCALHOST, standby.port).into()
    }
}
