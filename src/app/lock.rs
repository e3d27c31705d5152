//! One gateway per SQLite file: a lock on a file beside the database, given up by the kernel when the process ends,
//! however it ends.
//!
//! A database on a server is everybody's: there is nothing to lock.
//!
//! It is what lets a starting process know that whatever is half done in the database is nobody else's.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::StartError;

/// The lock, held while this lives.
pub(super) struct ProcessLock {
    _file: Option<File>,
}

impl ProcessLock {
    /// Takes the lock of this database.
    pub(super) fn take(database_url: &str) -> Result<Self, StartError> {
        let Some(path) = lock_path(database_url) else { return Ok(Self { _file: None }) };
        let failed = |error| StartError::DataFolder { path: path.display().to_string(), error };
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(_) => Err(StartError::Locked { path: path.display().to_string() }),
        }
    }
}

fn lock_path(database_url: &str) -> Option<PathBuf> {
    let path = database_url.strip_prefix("sqlite://")?;
    let path = path.split('?').next().unwrap_or(path);
    Some(Path::new(&format!("{path}.lock")).to_path_buf())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_second_process_is_told_and_the_folder_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let url = format!("sqlite://{}?mode=rwc", data.join("cardkey.db").display());
        let held = ProcessLock::take(&url).unwrap();
        let refused = ProcessLock::take(&url).err().unwrap();
        assert!(matches!(refused, StartError::Locked { .. }), "{refused}");
        assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(held);
        assert!(ProcessLock::take(&url).is_ok());
    }

    #[test]
    fn a_server_is_everybodys() {
        let url = "postgres://db/cardkey";
        let _held = ProcessLock::take(url).unwrap();
        assert!(ProcessLock::take(url).is_ok());
    }

    #[test]
    fn a_data_folder_that_cannot_be_made_is_the_databases_failure() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let url = format!("sqlite://{}", folder.path().join("file/cardkey.db").display());
        let refused = ProcessLock::take(&url).err().unwrap();
        assert_eq!(refused.exit_code(), 4);
        assert!(refused.to_string().contains("cannot be written"), "{refused}");
    }
}
