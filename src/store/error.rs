//! What can go wrong in the store, named by what the caller must do.

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxMySqlError};

use crate::vault::VaultError;

/// Why the store did not do what it was asked. The text is fit for the log and for an operator; it holds no SQL, no
/// value of a row and no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was stored; it may work later. The cause is in the log.
    #[error("the database is not available: {0}")]
    Unavailable(&'static str),
    /// Another row has this key already; nothing was stored.
    #[error("it exists already")]
    Exists,
    /// Another transaction was in the way; nothing was stored. The store itself repeats the operation.
    #[error("another transaction was in the way")]
    Collided,
    /// A row holds something that we did not write there, or that does not open.
    #[error("the database is damaged: table {table}, column {column}, row {id}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// The configured database is none that we can use.
    #[error("{0}")]
    Url(&'static str),
    /// The database file cannot be created, read or written.
    #[error("the database file {path} cannot be used: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why not, in the operating system's words.
        reason: String,
    },
    /// A newer program has changed the schema.
    #[error("the database was changed by a newer version of this program (migration {migration}): use that version")]
    NewerSchema {
        /// The first migration that we do not know.
        migration: String,
    },
    /// The schema is older than this program, and it was not asked to change it.
    #[error("{pending} migrations of the database are pending: run the migrate command first")]
    PendingMigrations {
        /// How many.
        pending: usize,
    },
    /// A key of this id has sealed values here, but it was another key.
    #[error("key `{key_id}` of the keyring is not the key that this database was sealed with")]
    WrongKey {
        /// Which key.
        key_id: String,
    },
    /// Values here are sealed with a key that is not in the keyring.
    #[error("key `{key_id}` has sealed values in this database and is not in the keyring")]
    MissingKey {
        /// Which key.
        key_id: String,
    },
}

impl StoreError {
    /// The store was closed, or its writer is gone.
    pub(super) const CLOSED: Self = Self::Unavailable("it is closed");

    /// The operation panicked.
    pub(super) const BROKE_OFF: Self = Self::Unavailable("the operation broke off");

    /// For an insert that was preceded by a look: a row that is there now was put there by somebody else in between, so
    /// the operation is repeated and finds it. On SQLite nobody comes in between.
    pub(super) fn or_again(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Exists => Self::Collided,
            other => other,
        }
    }

    /// Others change the same row faster than we can: every try of a compare-and-set was lost.
    #[must_use]
    pub const fn contended() -> Self {
        Self::Unavailable("too many others change the same row")
    }
}

impl From<DbErr> for StoreError {
    /// Keeps the cause out of sight of callers and puts it into the log, where sqlx's texts name tables and columns
    /// but no values.
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::Exists;
        }
        if collided(&error) {
            tracing::debug!(%error, "a transaction collided with another one");
            return Self::Collided;
        }
        tracing::warn!(%error, "a database operation failed");
        Self::Unavailable(match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => "no connection",
            _ => "the operation failed",
        })
    }
}

/// Whether the server gave this transaction up for the sake of another one.
fn collided(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    let Some(error) = error.as_database_error() else { return false };
    match error.try_downcast_ref::<SqlxMySqlError>() {
        // Changed since it was read, waited too long for a lock, deadlock.
        Some(error) => matches!(error.number(), 1020 | 1205 | 1213),
        // Serialization failure, deadlock.
        None => matches!(error.code().as_deref(), Some("40001" | "40P01")),
    }
}

impl From<VaultError> for StoreError {
    /// For sealing; opening names the column instead.
    fn from(_: VaultError) -> Self {
        Self::Unavailable("a value could not be sealed")
    }
}
