//! `cardkey keys`: making, listing and ending API keys, beside a gateway that may be running.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{OsRandom, StartError, SystemClock, output, with_store};
use crate::access::Access;
use crate::config::Config;
use crate::domain::caller::ApiKey;
use crate::domain::ids::{ApiKeyId, AppId};
use crate::domain::scopes::ScopeSet;
use crate::metrics::Metrics;
use crate::store::Store;

/// What is to be done with keys.
#[derive(Debug)]
pub enum Keys {
    /// Make one; its text goes to standard output, once.
    Create {
        /// The service's name, shown to people.
        name: String,
        /// The apps it may ask under.
        apps: Vec<String>,
        /// The scopes it may ask for, separated by blanks.
        scopes: String,
    },
    /// List all.
    List,
    /// End one.
    Revoke {
        /// Its id: the part between `ck_` and the secret.
        id: String,
    },
}

/// The longest name of a service, in characters.
const MAX_NAME: usize = 64;

impl Keys {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), StartError> {
        with_store(config, true, |store| async move { self.with(config, store).await }).await
    }

    async fn with(self, config: &Config, store: Store) -> Result<(), StartError> {
        let access = Access::new(store, Arc::new(SystemClock), Metrics::new()?);
        match self {
            Self::Create { name, apps, scopes } => {
                let apps = known_apps(config, &apps)?;
                let scopes = read_scopes(&scopes)?;
                let key = access.create(&OsRandom, &read_name(&name)?, apps, scopes).await?;
                output::print(key.text.expose())
            }
            Self::List => access.list().await?.iter().try_for_each(|key| output::print(&line(key))),
            Self::Revoke { id } => {
                let unknown = || StartError::Command(format!("there is no API key {id} that is not revoked already"));
                let parsed = ApiKeyId::parse(&id).map_err(|_| unknown())?;
                if access.revoke(&parsed).await? { output::print(&format!("revoked {id}")) } else { Err(unknown()) }
            }
        }
    }
}

fn known_apps(config: &Config, names: &[String]) -> Result<BTreeSet<AppId>, StartError> {
    let one = |name: &String| {
        let known = config.apps.iter().find(|app| app.app_id.as_str() == name);
        known.map(|app| app.app_id.clone()).ok_or_else(|| StartError::Command(format!("no app {name} is configured")))
    };
    names.iter().map(one).collect()
}

fn read_scopes(text: &str) -> Result<ScopeSet, StartError> {
    let scopes = ScopeSet::parse(text.split_ascii_whitespace());
    let scopes = scopes.map_err(|error| StartError::Command(format!("--scopes: {error}")))?;
    if scopes.is_empty() { Err(StartError::Command("--scopes names none".to_owned())) } else { Ok(scopes) }
}

fn read_name(name: &str) -> Result<String, StartError> {
    let name = name.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
    let wrong = || StartError::Command(format!("--name must have 1 to {MAX_NAME} characters on one line"));
    fits.then(|| name.to_owned()).ok_or_else(wrong)
}

fn line(key: &ApiKey) -> String {
    let apps: Vec<_> = key.caller.apps.iter().map(AppId::as_str).collect();
    let state = key.revoked_at.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"));
    let ApiKey { caller, created_at, .. } = key;
    format!(
        "{}\t{}\tapps: {}\tscopes: {}\tmade {created_at}\t{state}",
        caller.key,
        caller.name,
        apps.join(" "),
        caller.scopes
    )
}
