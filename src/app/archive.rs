//! `cardkey backup` and `cardkey restore`: the SQLite database as one file, and back.

use std::path::PathBuf;
use std::sync::Arc;

use super::lock::ProcessLock;
use super::{Ambient, StartError, keyring, output};
use crate::config::Config;
use crate::store::{self, BackupError};
use crate::vault::Vault;

/// What is to be done with a copy of the database.
#[derive(Debug)]
pub enum Archive {
    /// Make one, beside a gateway that may be running.
    Backup {
        /// Where.
        file: PathBuf,
        /// Whether a file that is there is overwritten.
        force: bool,
    },
    /// Put one in the database's place.
    Restore {
        /// Which.
        file: PathBuf,
    },
}

impl Archive {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), StartError> {
        let url = config.database.url.expose();
        match self {
            Self::Backup { file, force } => {
                let bytes = store::backup(url, &file, force).await?;
                output::print(&format!("{} holds the database: {bytes} bytes", file.display()))
            }
            Self::Restore { file } => {
                if !url.starts_with("sqlite:") {
                    return Err(BackupError::Engine.into());
                }
                let _lock = ProcessLock::take(url)?;
                let ambient = Ambient::default();
                let stamp = ambient.clock.now().to_rfc3339().replace(['-', ':'], "");
                let vault = Vault::new(keyring(config)?, Arc::clone(&ambient.random));
                let former = store::restore(url, &file, &vault, &stamp).await?;
                let kept = former.map(|former| format!("; the former one is kept as {}", former.display()));
                output::print(&format!("{} is the database now{}", file.display(), kept.unwrap_or_default()))
            }
        }
    }
}
