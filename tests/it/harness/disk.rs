//! A disk that fails at will under the database of a gateway process, by a library that is preloaded into it
//! (`tests/fixtures/failing_disk.c`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::world::World;

/// How the disk fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failing {
    /// No space is left.
    Full,
    /// It can only be read.
    ReadOnly,
    /// What was written does not reach it.
    Broken,
}

impl World {
    /// Processes that are started from now on have a disk that can fail.
    pub(crate) fn let_the_disk_fail(&mut self) {
        let files = self.directory.path().canonicalize().unwrap().join("cardkey.db");
        let pairs =
            [("LD_PRELOAD", library()), ("FAILING_DISK_FILES", &files), ("FAILING_DISK_ORDERS", &self.disk_orders())];
        for (name, path) in pairs {
            self.setup.environment.insert(name.to_owned(), path.to_str().unwrap().to_owned());
        }
    }

    /// From now on the disk fails.
    pub(crate) fn disk_fails(&self, how: Failing) {
        let word = match how {
            Failing::Full => "full",
            Failing::ReadOnly => "read-only",
            Failing::Broken => "broken",
        };
        // In one step: a half written word would be another.
        let new = self.disk_orders().with_extension("new");
        std::fs::write(&new, word).unwrap();
        std::fs::rename(new, self.disk_orders()).unwrap();
    }

    /// The disk is sound again.
    pub(crate) fn disk_recovers(&self) {
        std::fs::remove_file(self.disk_orders()).unwrap();
    }

    fn disk_orders(&self) -> PathBuf {
        self.directory.path().join("disk-orders")
    }
}

/// Compiled once.
fn library() -> &'static Path {
    static FOLDER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let library = folder.path().join("failing_disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/failing_disk.c");
        let mut compiler = Command::new("gcc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]);
        assert!(compiler.status().unwrap().success(), "gcc compiles {source}");
        (folder, library)
    });
    &made.1
}
