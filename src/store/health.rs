//! Whether the database takes writes, and how long SQLite's log is.
//!
//! Reading may go on when writing does not: the disk is full, its file system was remounted for reading, the server has
//! become a standby. So a write that failed is remembered, and whoever asks how the store is tries one that leaves nothing
//! behind, until that succeeds. Other writes are no proof that it does: many find nothing to change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::store::entity::rate_budget::{ActiveModel, Entity};
use crate::store::{Store, StoreError};

/// The row that is written and deleted again: no app has this id.
const PROBE: &str = "write probe";

/// What is known of the database. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Health {
    refuses: Arc<AtomicBool>,
    log: Option<Arc<PathBuf>>,
}

impl Health {
    /// Of an SQLite database.
    pub(super) fn of_file(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self { log: Some(Arc::new(log.into())), ..Self::default() }
    }

    /// Takes note of a write that failed for the database's sake.
    pub(super) fn note<T>(&self, done: &Result<T, StoreError>) {
        if matches!(done, Err(StoreError::Unavailable(_))) {
            self.refuses.store(true, Ordering::Relaxed);
        }
    }
}

impl Store {
    /// Tries to write, if the last write failed.
    pub(super) async fn takes_writes_again(&self) -> Result<(), StoreError> {
        if !self.health.refuses.load(Ordering::Relaxed) {
            return Ok(());
        }
        let tried = self.write(|scope| {
            Box::pin(async move {
                let row = ActiveModel { bucket: Set(PROBE.to_owned()), arrival: Set(0), closed_until: Set(0) };
                Entity::insert(row).exec_without_returning(&scope.tx).await.map_err(StoreError::or_again)?;
                Entity::delete_by_id(PROBE).exec(&scope.tx).await?;
                Ok(())
            })
        });
        tried.await?;
        self.health.refuses.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Where SQLite keeps what was committed and is not in the database's file yet; `None` on a server. It grows while
    /// somebody reads for long.
    #[must_use]
    pub fn log_file(&self) -> Option<&Path> {
        self.health.log.as_ref().map(|path| path.as_path())
    }
}
