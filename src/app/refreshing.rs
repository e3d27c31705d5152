//! How tokens are refreshed, by the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Base, platforms};
use crate::auth_session::AuthSessions;
use crate::config::{Config, Policy};
use crate::domain::rate_limit::Limit;
use crate::domain::refresh_plan::RefreshPlan;
use crate::grants::{Grants, Parts as GrantParts, Settings as RefreshSettings};

/// When grants are refreshed by themselves.
pub(super) fn plan(config: &Config) -> RefreshPlan {
    let eager = config.apps.iter().filter(|app| app.refresh == Policy::Eager).map(|app| app.app_id.clone());
    RefreshPlan::new(config.auth.token_refresh_threshold, eager.collect())
}

/// The platform's limit on its token endpoint, for each app.
pub(super) fn limit(config: &Config) -> Limit {
    Limit::within(config.refresh.per_second, config.refresh.per_minute)
}

/// The use case.
pub(super) fn grants(
    base: &Base,
    config: &Config,
    platforms: &[platforms::Built],
    auth_sessions: &AuthSessions,
) -> Grants {
    let refresh = &config.refresh;
    let apps = platforms.iter().filter_map(|built| Some(Arc::clone(&built.asking.as_ref()?.0)));
    Grants::new(GrantParts {
        store: base.store.clone(),
        apps: apps.map(|asking| (asking.app.clone(), asking)).collect(),
        settings: RefreshSettings {
            threshold: config.auth.token_refresh_threshold,
            timers: refresh.timers,
            in_flight: refresh.in_flight,
            limit: limit(config).giving_way(),
            journal_life: refresh.journal,
            dead_life: config.cleanup.dead_grants,
            spool: spool_folder(config),
            asks_before_expiry: refresh.asks_before_expiry,
        },
        clock: Arc::clone(&base.ambient.clock),
        random: Arc::clone(&base.ambient.random),
        metrics: base.metrics.clone(),
        tracker: base.shutdown.tracker.clone(),
        soft: base.shutdown.soft.clone(),
        died: auth_sessions.reask_nudge(),
        healed: auth_sessions.take_back_nudge(),
        tell: Arc::clone(&base.tell),
    })
}

/// Beside the database's file, or where the configuration says.
fn spool_folder(config: &Config) -> PathBuf {
    let url = config.database.url.expose();
    let file = url.strip_prefix("sqlite://").and_then(|rest| rest.split('?').next());
    let beside = || PathBuf::from(file.map_or_else(|| "data/spool".to_owned(), |file| format!("{file}-spool")));
    config.refresh.spool.clone().unwrap_or_else(beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn folder(url: &str) -> PathBuf {
        let environment = [
            ("DATABASE_URL", url),
            ("CARDKEY_VAULT__MASTER_KEY", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ("CARDKEY_APP__APP_ID", "cli_a1b2c3d4e5f60718"),
            ("CARDKEY_APP__APP_SECRET", "JmG83kLw02hT"),
            ("CARDKEY_APP__CODE", "device"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        spool_folder(&Config::load(&Sources { file: None, environment, demo: false }).unwrap())
    }

    #[test]
    fn the_spool_lies_beside_the_database_or_in_the_data_folder() {
        assert_eq!(folder("sqlite://some/where.db?mode=rwc"), PathBuf::from("some/where.db-spool"));
        assert_eq!(folder("postgres://u@db/c"), PathBuf::from("data/spool"));
    }
}
