//! A copy of the SQLite file while the gateway works, and putting one back. Only for SQLite: servers have their own
//! means.
//!
//! A file appears under its wanted name only when it is complete, checked and on the disk. A backup is taken by
//! `VACUUM INTO`: one snapshot, read beside whoever writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use migrations::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, SqlxSqliteConnector, Statement};

use crate::store::error::StoreError;
use crate::store::part_file::{Part, beside, is_same, name, sync_folder, unwritable};
use crate::store::sqlite::Location;
use crate::store::vault_keys;
use crate::vault::Vault;

/// How long others that have the file are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no backup, or nothing was put back. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is none of SQLite's.
    #[error("this command is for SQLite files only: use the database server's own means")]
    Engine,
    /// There is a file of this name.
    #[error("{path} exists already: choose another name, or overwrite it with --force")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file is the database itself.
    #[error("{path} is the database itself")]
    Itself {
        /// The file.
        path: String,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{path} cannot be written: {reason}")]
    Unwritable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is no backup that could be put back.
    #[error("{path} cannot be used as a backup: {reason}")]
    Unfit {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Another process has the database open.
    #[error("{path} is in use: end every process that has it open first")]
    InUse {
        /// The file.
        path: String,
    },
    /// The database, or what the backup holds, is not for this program or these keys.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a copy of the database to `target`; says how long it is. Who has the database open goes on.
pub async fn backup(url: &str, target: &Path, overwrite: bool) -> Result<u64, BackupError> {
    let database = database(url)?.path().to_owned();
    let unusable = |error| StoreError::File { path: name(&database), reason: message(&error) }.into();
    let db = open(&database).await.map_err(unusable)?;
    if is_same(&database, target) {
        return Err(BackupError::Itself { path: name(target) });
    }
    if target.exists() && !overwrite {
        return Err(BackupError::Exists { path: name(target) });
    }
    let part = Part::new(target, &format!(".part-{}", std::process::id()))?;
    let failed = |error: &DbErr| BackupError::Unwritable { path: name(target), reason: message(error) };
    let path = part.0.to_str().ok_or_else(|| failed(&DbErr::Custom("its name is not UTF-8".to_owned())))?;
    let copy = Statement::from_sql_and_values(db.get_database_backend(), "VACUUM INTO ?", [path.into()]);
    db.execute_raw(copy).await.map_err(|error| if is_damage(&error) { unusable(error) } else { failed(&error) })?;
    // A connection that only read says nothing worth hearing.
    let _ = db.close().await;
    check_integrity(&open(&part.0).await.map_err(|error| failed(&error))?, &part.0).await?;
    part.become_file(target, overwrite)
}

/// Puts a backup in the database's place and keeps what was there beside it, under a name that ends in `stamp`; gives
/// that name. The caller holds the lock that keeps gateways out.
pub async fn restore(url: &str, source: &Path, vault: &Vault, stamp: &str) -> Result<Option<PathBuf>, BackupError> {
    let location = database(url)?;
    let _lock = location.lock_schema()?;
    let database = location.path();
    if is_same(database, source) {
        return Err(BackupError::Itself { path: name(source) });
    }
    let mut part = Part::new(database, "-restoring")?;
    part.fill(source)?;
    check(&part.0, source, vault).await?;
    let former = if database.exists() { Some(set_aside(database, stamp).await?) } else { None };
    part.become_file(database, true)?;
    Ok(former)
}

fn database(url: &str) -> Result<Location, BackupError> {
    if url.starts_with("sqlite:") { Ok(Location::parse(url)?) } else { Err(BackupError::Engine) }
}

/// Whether a copy of `source` is whole, ours, not newer than we are, and opens with these keys.
async fn check(copy: &Path, source: &Path, vault: &Vault) -> Result<(), BackupError> {
    let unfit = |reason: &str| BackupError::Unfit { path: name(source), reason: reason.to_owned() };
    if beside(source, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
        return Err(unfit("there is a write-ahead log beside it, so it is not all of a database"));
    }
    let db = open(copy).await.map_err(|error| unfit(&message(&error)))?;
    check_integrity(&db, source).await?;
    let state = migrations::state(&db).await.map_err(|error| unfit(&message(&error)))?;
    if let Some(migration) = state.unknown.first() {
        return Err(StoreError::NewerSchema { migration: migration.clone() }.into());
    }
    if state.pending.len() == Migrator::migrations().len() {
        return Err(unfit("it is not a database of this program"));
    }
    vault_keys::verify(&db, vault).await?;
    db.close().await.map_err(|error| unfit(&message(&error)))
}

async fn check_integrity(db: &DatabaseConnection, shown: &Path) -> Result<(), BackupError> {
    let unfit = |reason| BackupError::Unfit { path: name(shown), reason };
    match ask(db, "PRAGMA integrity_check(1)").await {
        Ok(word) if word == "ok" => Ok(()),
        Ok(found) => Err(unfit(format!("it is damaged: {found}"))),
        Err(error) => Err(unfit(message(&error))),
    }
}

/// Gives the database a second name, under which it stays when its first one goes to another file. Before that all of
/// it is in one file, if it is sound: then there is no moment at which the first name has nothing, or half.
async fn set_aside(database: &Path, stamp: &str) -> Result<PathBuf, BackupError> {
    let former = beside(database, &format!(".before-restore-{stamp}"));
    fold(database).await?;
    let kept = || {
        // Of a damaged one these are left. They must not be taken for those of the file that comes.
        for suffix in ["-wal", "-shm", "-journal"] {
            let left = beside(database, suffix);
            if left.exists() {
                fs::rename(left, beside(&former, suffix))?;
            }
        }
        fs::hard_link(database, &former)?;
        sync_folder(database)
    };
    kept().map_err(|error| unwritable(&former, &error))?;
    Ok(former)
}

/// Takes the write-ahead log into the file, which works only if nobody else has it open. A file that is not sound stays
/// as it is.
async fn fold(database: &Path) -> Result<(), BackupError> {
    let Ok(db) = open(database).await else { return Ok(()) };
    let mode = ask(&db, "PRAGMA journal_mode = DELETE").await;
    let _ = db.close().await;
    match mode {
        Ok(mode) if mode == "delete" => Ok(()),
        Err(error) if !is_busy(&error) => Ok(()),
        _ => Err(BackupError::InUse { path: name(database) }),
    }
}

async fn open(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn ask(db: &DatabaseConnection, sql: &str) -> Result<String, DbErr> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.map_or_else(|| Ok(String::new()), |row| row.try_get_by(0))
}

fn database_error(error: &DbErr) -> Option<&dyn sea_orm::sqlx::error::DatabaseError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => error.as_database_error(),
        _ => None,
    }
}

/// What SQLite says, without the driver's words around it.
fn message(error: &DbErr) -> String {
    database_error(error).map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// `SQLITE_BUSY` and `SQLITE_LOCKED`.
fn is_busy(error: &DbErr) -> bool {
    matches!(code(error), Some(5 | 6))
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
fn is_damage(error: &DbErr) -> bool {
    matches!(code(error), Some(11 | 26))
}

/// SQLite's code without what is said in its upper bytes.
fn code(error: &DbErr) -> Option<u32> {
    let code = database_error(error)?.code()?.parse::<u32>().ok()?;
    Some(code & 0xff)
}
