//! How connections to a database server are kept. SQLite knows its own way.

use std::time::Duration;

use sea_orm::ConnectOptions;

/// For so long a connection beyond the steady ones may be idle before it is closed.
const OVERFLOW_IDLE: Duration = Duration::from_mins(1);

/// The connections of one process to a database server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Connections that are kept open.
    pub size: u32,
    /// Connections beyond them when there is much to do; closed again after an idle minute.
    pub overflow: u32,
    /// Whether a connection is tried before each use, so that one that died meanwhile disturbs nobody.
    pub pre_ping: bool,
    /// After how long a connection is replaced by a new one.
    pub recycle: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long the server may take for one statement, and leave a transaction idle.
    pub statement_timeout: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            size: 20,
            overflow: 30,
            pre_ping: true,
            recycle: Duration::from_hours(1),
            connect_timeout: Duration::from_mins(1),
            statement_timeout: Duration::from_secs(30),
        }
    }
}

impl PoolConfig {
    /// One connection for work at start, which may wait for another process that changes the schema.
    pub(super) fn single(&self) -> Self {
        Self { size: 1, overflow: 0, ..self.clone() }
    }

    /// The most that a whole write may take, a connection included: beyond it the network has lost the answer.
    pub(super) fn patience(&self) -> Duration {
        self.connect_timeout.saturating_add(self.statement_timeout.saturating_mul(2))
    }

    pub(super) fn apply(&self, options: &mut ConnectOptions) {
        options
            .min_connections(self.size)
            .max_connections(self.size.saturating_add(self.overflow))
            .acquire_timeout(self.connect_timeout)
            .idle_timeout(OVERFLOW_IDLE)
            .max_lifetime(self.recycle)
            .test_before_acquire(self.pre_ping)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
    }
}
