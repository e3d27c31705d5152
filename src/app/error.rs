//! Why the process does not start: one line that says what to do, and an exit code.

use std::io;
use std::net::SocketAddr;

use crate::config::Problems;
use crate::hints::HintsError;
use crate::metrics::MetricsError;
use crate::store::{BackupError, StoreError};
use crate::vault::KeyringError;

/// Why the process does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Problems),
    /// The key ring is wrong.
    #[error("the master key cannot be used: {0}")]
    Keyring(#[from] KeyringError),
    /// A file that the configuration names cannot be read.
    #[error("{path} cannot be read: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// An app cannot be set up.
    #[error("app {app}: {reason}")]
    App {
        /// The app.
        app: String,
        /// Why.
        reason: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}; is another process using this port?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The folder of the database cannot be made or written to.
    #[error("{path} cannot be written: {error}")]
    DataFolder {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Another gateway has this database.
    #[error("{path} is locked: another cardkey process serves this database")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The server of hints cannot be used.
    #[error(transparent)]
    Hints(#[from] HintsError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No backup could be made, or put back.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The metrics contradict each other: a mistake in this program.
    #[error("metrics: {0}")]
    Metrics(#[from] MetricsError),
    /// The command cannot be done as asked.
    #[error("{0}")]
    Command(String),
    /// The command line asks for something that there is not.
    #[error("{0}")]
    Usage(String),
}

impl StartError {
    /// The process's exit code: 2 a wrong command line, 3 configuration, 4 database, 5 address in use, 6 a backup's file,
    /// 1 anything else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Keyring(_) | Self::File { .. } | Self::App { .. } | Self::Hints(_) => 3,
            Self::Store(_)
            | Self::Locked { .. }
            | Self::DataFolder { .. }
            | Self::Backup(BackupError::Store(_) | BackupError::InUse { .. }) => 4,
            Self::Listen { .. } => 5,
            Self::Usage(_) => 2,
            Self::Metrics(_) | Self::Command(_) | Self::Backup(BackupError::Engine) => 1,
            Self::Backup(_) => 6,
        }
    }
}
