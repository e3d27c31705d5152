//! What is particular to SQLite: its file, its pragmas, its kind of transaction.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::store::error::StoreError;

/// How long a writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows with sealed tokens are 2 to 4 KB: on small pages most of them would need an overflow page.
const PAGE_BYTES: u32 = 16 * 1024;

/// After how many pages (64 MB) the log is written back. Each time costs two waits for the disk, and a page that was
/// written several times meanwhile is written back once.
const CHECKPOINT_PAGES: &str = "4000";

/// Connections for reading.
const READERS: u32 = 4;

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) struct Location {
    url: String,
    path: PathBuf,
}

impl Location {
    /// Reads `sqlite://path?mode=rwc`.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(StoreError::Url("a database in memory forgets what people granted: give a file"));
        }
        let options: SqliteConnectOptions =
            url.parse().map_err(|_| StoreError::Url("the database URL cannot be read: sqlite://path?mode=rwc"))?;
        let path = options.get_filename().to_owned();
        if path.as_os_str().is_empty() {
            return Err(StoreError::Url("the database URL names no file: sqlite://path?mode=rwc"));
        }
        Ok(Self { url: url.to_owned(), path })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory and the file for our eyes only; SQLite gives its side files the same mode. Proves that both
    /// can be written, because SQLite would report that later and less clearly.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| self.unusable(&error))?;
        let create = !self.url.contains("mode=rw&") && !self.url.ends_with("mode=rw");
        private_file(&self.path, create).map_err(|error| self.unusable(&error))?;
        private_file(&self.beside("lock"), true).map_err(|error| self.unusable(&error))?;
        Ok(())
    }

    /// Locks out other processes that change the schema, until the file is dropped. Blocks.
    pub(super) fn lock_schema(&self) -> Result<File, StoreError> {
        let file = private_file(&self.beside("lock"), true).map_err(|error| self.unusable(&error))?;
        file.lock().map_err(|error| self.unusable(&error))?;
        Ok(file)
    }

    /// Claims the inbox for this process, until the file is dropped; `None` if another process has it.
    pub(super) fn try_claim_inbox(&self) -> Option<File> {
        let file = private_file(&self.beside("inbox-lock"), true).ok()?;
        file.try_lock().ok()?;
        Some(file)
    }

    /// Opens the one connection that writes.
    pub(super) async fn connect_writer(&self) -> Result<DatabaseConnection, DbErr> {
        let mut options = self.options(1);
        options.map_sqlx_sqlite_opts(|options| {
            durable(options)
                .page_size(PAGE_BYTES)
                .statement_cache_capacity(256)
                .pragma("cache_size", "-32768")
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                // Rows pass between two threads; a small buffer makes them take turns while the inbox is read.
                .row_buffer_size(4096)
        });
        Database::connect(options).await
    }

    /// Opens the connections that read. They cannot write.
    pub(super) async fn connect_readers(&self) -> Result<DatabaseConnection, DbErr> {
        let mut options = self.options(READERS);
        options
            .map_sqlx_sqlite_opts(|options| durable(options).pragma("query_only", "ON").pragma("cache_size", "-8192"));
        Database::connect(options).await
    }

    fn options(&self, connections: u32) -> ConnectOptions {
        let mut options = ConnectOptions::new(&self.url);
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
        options
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push("-");
        name.push(suffix);
        PathBuf::from(name)
    }

    fn unusable(&self, error: &io::Error) -> StoreError {
        StoreError::File { path: self.path.display().to_string(), reason: error.to_string() }
    }
}

/// Begins a transaction that holds the write lock from its start: one that begins by reading and writes later is
/// refused by SQLite, without waiting, when another one wrote in between.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}

/// Runs a statement with rows of texts and a number. The texts are shared with it; the way that fits every database
/// would copy each of them twice.
pub(super) async fn execute<const N: usize>(
    db: &DatabaseConnection,
    sql: &str,
    rows: impl Iterator<Item = ([Arc<str>; N], i64)>,
) -> Result<(), DbErr> {
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
    let arguments = arguments(rows).map_err(|error| failed(sqlx::Error::Encode(error)))?;
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
    query.execute(db.get_sqlite_connection_pool()).await.map_err(failed)?;
    Ok(())
}

fn arguments<const N: usize>(
    rows: impl Iterator<Item = ([Arc<str>; N], i64)>,
) -> Result<SqliteArguments, sqlx::error::BoxDynError> {
    let mut arguments = SqliteArguments::default();
    for (texts, number) in rows {
        for text in texts {
            arguments.add(text)?;
        }
        arguments.add(number)?;
    }
    Ok(arguments)
}

fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
}

fn private_file(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).mode(0o600).open(path)
}
