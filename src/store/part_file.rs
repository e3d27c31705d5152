//! A file that gets its name only when it is complete and on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::store::backup::BackupError;

/// How much is copied at once.
const PIECE: usize = 1 << 20;

/// A file that does not have its name yet, and is removed unless it gets it.
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    /// An empty file beside the wanted one, for our eyes only.
    pub(super) fn new(wanted: &Path, suffix: &str) -> Result<Self, BackupError> {
        let path = std::path::absolute(beside(wanted, suffix)).map_err(|error| unwritable(wanted, &error))?;
        // What a process that was killed has left.
        let _ = fs::remove_file(&path);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map(|_| Self(path)).map_err(|error| unwritable(wanted, &error))
    }

    pub(super) fn fill(&mut self, source: &Path) -> Result<(), BackupError> {
        let unreadable = |error: io::Error| BackupError::Unreadable { path: name(source), reason: error.to_string() };
        let mut from = File::open(source).map_err(unreadable)?;
        let mut to = OpenOptions::new().write(true).open(&self.0).map_err(|error| unwritable(&self.0, &error))?;
        let mut piece = vec![0; PIECE];
        loop {
            let length = from.read(&mut piece).map_err(unreadable)?;
            if length == 0 {
                return Ok(());
            }
            to.write_all(&piece[..length]).map_err(|error| unwritable(&self.0, &error))?;
        }
    }

    /// Gives the file its name, once all of it is on the disk.
    pub(super) fn become_file(self, wanted: &Path, overwrite: bool) -> Result<u64, BackupError> {
        let named = || {
            let file = File::open(&self.0)?;
            file.sync_all()?;
            // A link does not take the place of a file that somebody else has made meanwhile.
            if overwrite { fs::rename(&self.0, wanted) } else { fs::hard_link(&self.0, wanted) }?;
            sync_folder(wanted)?;
            Ok(file.metadata()?.len())
        };
        named().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: name(wanted) },
            _ => unwritable(wanted, &error),
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a rename it is not there any more.
        let _ = fs::remove_file(&self.0);
    }
}

pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some_and(|found| id(other) == Some(found))
}

pub(super) fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> BackupError {
    BackupError::Unwritable { path: name(path), reason: error.to_string() }
}

pub(super) fn name(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_has_taken_meanwhile_is_left_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("wanted");
        let part = Part::new(&wanted, ".part").unwrap();
        fs::write(&wanted, "theirs").unwrap();
        let refused = part.become_file(&wanted, false).unwrap_err();
        assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
        assert_eq!(fs::read(&wanted).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the part is gone");

        Part::new(&wanted, ".part").unwrap().become_file(&wanted, true).unwrap();
        assert_eq!(fs::read(&wanted).unwrap(), b"", "it is replaced if that is wanted");
    }
}
