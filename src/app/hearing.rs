//! Which hints go where, if a server of hints is configured.

use super::{Ambient, Base, StartError};
use crate::auth_session::AuthSessions;
use crate::config::Config;
use crate::domain::hint::{self, Hint, Tell};
use crate::grants::Grants;
use crate::hints::{self, HintsError, Outlet, Server};
use crate::metrics::Metrics;

/// The server, if there is to be one.
pub(super) fn server(config: &Config) -> Result<Option<Server>, HintsError> {
    let redis = &config.redis;
    redis.url.as_ref().map(|url| Server::new(url, redis.ca_file.as_deref())).transpose()
}

/// Where use cases tell their hints, and what carries them.
pub(super) fn outlet(
    config: &Config,
    ambient: &Ambient,
    metrics: &Metrics,
) -> Result<(Tell, Option<Outlet>), StartError> {
    let Some(server) = server(config)? else { return Ok((hint::nobody(), None)) };
    let (tell, outlet) = hints::outlet(server, &ambient.random, metrics);
    Ok((tell, Some(outlet)))
}

/// From now on hints go out, and those of the others are heard.
pub(super) fn start(base: &Base, outlet: Option<Outlet>, (auth_sessions, grants): (&AuthSessions, &Grants)) {
    let Some(outlet) = outlet else { return };
    let (auth_sessions, grants) = (auth_sessions.clone(), grants.clone());
    base.shutdown.spawn(outlet.run(base.shutdown.soft.clone(), move |hint| match hint {
        Hint::Grant(id) => grants.hear(&id),
        Hint::Session(id) => auth_sessions.hear(&id),
    }));
}
