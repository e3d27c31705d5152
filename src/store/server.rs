//! What is particular to the database servers: their URLs, their sessions, their locks. PostgreSQL and MariaDB are
//! what is tested; what is sent to the latter keeps to what MySQL 8 knows too.

use std::time::Duration;

use sea_orm::sqlx::Executor as _;
use sea_orm::sqlx::mysql::MySqlConnectOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::domain::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::pool::PoolConfig;

/// What a URL may set. Whatever else stands there would be without effect, which is not said by anybody.
const POSTGRES_SETTINGS: [&str; 5] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host"];
const MYSQL_SETTINGS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

/// The number of the schema lock of a PostgreSQL database: "cardkey" in ASCII.
const SCHEMA_LOCK: i64 = 0x63_61_72_64_6b_65_79;

/// How long one wait for the schema lock takes on MariaDB; it is repeated.
const SCHEMA_WAIT: Duration = Duration::from_secs(20);

/// How many seconds work at start waits for a row on MariaDB, which has no word for no limit here.
const LOCK_WAIT: u64 = 60;

/// A database on a server.
#[derive(Clone)]
pub(super) struct Server {
    backend: DbBackend,
    url: String,
    pub(super) pool: PoolConfig,
}

impl Server {
    /// Reads `postgres://`, `postgresql://` or `mysql://`, with a host, a user and a database.
    pub(super) fn parse(url: &str, pool: PoolConfig) -> Result<Self, StoreError> {
        let unreadable = StoreError::Url("the database URL cannot be read: scheme://user:password@host:port/database");
        let parsed = url::Url::parse(url).map_err(|_| unreadable.clone())?;
        let (backend, known) = match parsed.scheme() {
            "postgres" | "postgresql" => (DbBackend::Postgres, POSTGRES_SETTINGS),
            "mysql" => (DbBackend::MySql, MYSQL_SETTINGS),
            _ => return Err(StoreError::Url("the database URL has to begin with sqlite://, postgres:// or mysql://")),
        };
        if parsed.path().trim_start_matches('/').is_empty() {
            return Err(StoreError::Url(
                "the database URL names no database: scheme://user:password@host:port/database",
            ));
        }
        if parsed.query_pairs().any(|(key, _)| !known.contains(&&*key)) {
            return Err(StoreError::Url(
                "the database URL has a parameter that is not known: PostgreSQL takes sslmode, sslrootcert, sslcert, \
                 sslkey and host; MySQL and MariaDB take ssl-mode, ssl-ca, ssl-cert, ssl-key and socket",
            ));
        }
        let readable = match backend {
            DbBackend::Postgres => url.parse::<PgConnectOptions>().is_ok(),
            _ => url.parse::<MySqlConnectOptions>().is_ok(),
        };
        if readable { Ok(Self { backend, url: url.to_owned(), pool }) } else { Err(unreadable) }
    }

    /// Opens the pool.
    pub(super) async fn connect(&self) -> Result<DatabaseConnection, DbErr> {
        self.open(&self.pool).await
    }

    /// Opens one connection that holds the schema lock until it is closed.
    pub(super) async fn connect_locked(&self) -> Result<DatabaseConnection, StoreError> {
        // Another process may hold the lock for as long as its migrations take.
        let unhurried = PoolConfig { statement_timeout: Duration::ZERO, ..self.pool.single() };
        let connection = self.open(&unhurried).await?;
        match self.backend {
            DbBackend::Postgres => {
                let lock = format!("SELECT pg_advisory_lock({SCHEMA_LOCK})");
                connection.execute_raw(Statement::from_string(self.backend, lock)).await?;
            }
            _ => while !get_lock(&connection).await? {},
        }
        Ok(connection)
    }

    async fn open(&self, pool: &PoolConfig) -> Result<DatabaseConnection, DbErr> {
        let mut options = ConnectOptions::new(&self.url);
        pool.apply(&mut options);
        match self.backend {
            DbBackend::Postgres => postgres(&mut options, pool.statement_timeout),
            _ => mysql(&mut options, pool.statement_timeout),
        }
        Database::connect(options).await
    }
}

/// Zero is the servers' word for no limit.
fn postgres(options: &mut ConnectOptions, limit: Duration) {
    let limit = limit.as_millis().to_string();
    options.map_sqlx_postgres_opts(move |options| {
        options.application_name("cardkey").options([
            ("default_transaction_isolation", "read committed"),
            ("statement_timeout", &limit),
            ("idle_in_transaction_session_timeout", &limit),
        ])
    });
}

/// What stands between `/*M!` and `*/` is read by MariaDB alone; MySQL takes it for a comment.
fn mysql(options: &mut ConnectOptions, limit: Duration) {
    let seconds = limit.as_secs();
    let session = format!(
        "SET SESSION innodb_lock_wait_timeout = {} /*M! , max_statement_time = {seconds}, idle_transaction_timeout = {seconds} */",
        if seconds == 0 { LOCK_WAIT } else { seconds }
    );
    options.map_sqlx_mysql_opts(|options| options.charset("utf8mb4").collation("utf8mb4_bin"));
    options.map_sqlx_mysql_pool_opts(move |pool| {
        let session = session.clone();
        pool.after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move {
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                connection.execute(sea_orm::sqlx::AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
    });
}

/// Tries to get the schema lock of the connection's database: names of locks are the whole server's.
async fn get_lock(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql = format!("SELECT GET_LOCK(CONCAT('cardkey.', MD5(DATABASE())), {})", SCHEMA_WAIT.as_secs());
    let row = connection.query_one_raw(Statement::from_string(DbBackend::MySql, sql)).await?;
    let got: Option<i64> = row.map(|row| row.try_get_by(0)).transpose()?.flatten();
    Ok(got == Some(1))
}

/// The clock that leases go by: on a server its own, which is the same for everybody; otherwise `now`.
pub(super) async fn lease_now(db: &impl ConnectionTrait, now: Timestamp) -> Result<Timestamp, StoreError> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        DbBackend::MySql => "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
        _ => return Ok(now),
    };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    let micros: Option<i64> = row.map(|row| row.try_get_by(0)).transpose()?;
    micros.map(Timestamp::from_micros).ok_or(StoreError::Unavailable("it does not tell the time"))
}
