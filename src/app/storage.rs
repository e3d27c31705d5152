//! The store and the keys that it seals with, by the configuration.

use std::path::Path;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::{Ambient, StartError, refreshing};
use crate::config::Config;
use crate::domain::secret::Secret;
use crate::metrics::Metrics;
use crate::store::{PoolConfig, Store, StoreConfig};
use crate::vault::{Keyring, Vault};

/// Opens the store as the configuration says.
pub(super) async fn open_store(
    config: &Config,
    ambient: &Ambient,
    migrate: bool,
    tasks: &TaskTracker,
    metrics: &Metrics,
) -> Result<Store, StartError> {
    let metrics = metrics.clone();
    let vault = Vault::new(keyring(config)?, Arc::clone(&ambient.random))
        .counted_by(Arc::new(move |key_id| metrics.vault_encryption(key_id.as_str())));
    Ok(Store::open(store_config(config, migrate), vault, tasks).await?)
}

/// Shows how long the log of an SQLite database is.
pub(super) fn show_log(store: &Store, metrics: &Metrics) -> Result<(), StartError> {
    let Some(log) = store.log_file().map(Path::to_owned) else { return Ok(()) };
    metrics.sqlite_log(move || log.metadata().map_or(0, |log| log.len()))?;
    Ok(())
}

/// Which database, and how.
pub(super) fn store_config(config: &Config, migrate: bool) -> StoreConfig {
    let database = &config.database;
    let pool = PoolConfig {
        size: database.pool_size,
        overflow: database.max_overflow,
        pre_ping: database.pool_pre_ping,
        recycle: database.pool_recycle,
        connect_timeout: database.connect_timeout,
        statement_timeout: database.statement_timeout,
    };
    StoreConfig { url: database.url.expose().to_owned(), pool, migrate, plan: refreshing::plan(config) }
}

/// The key ring, from the environment or from its file.
pub(super) fn keyring(config: &Config) -> Result<Keyring, StartError> {
    let text = match (&config.vault.master_key, &config.vault.master_key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(file)) => read_secret(file)?,
        (None, None) => Secret::new(String::new()),
    };
    Keyring::parse(text.expose()).map_err(StartError::from)
}

fn read_secret(file: &Path) -> Result<Secret, StartError> {
    let text = std::fs::read_to_string(file);
    text.map(Secret::new).map_err(|error| StartError::File { path: file.display().to_string(), error })
}
