//! File and environment, validated as a whole at start.
//!
//! `cardkey.toml` is read first; environment variables override it ([`VARIABLES`] lists each with the key that it
//! sets). Nothing is taken from anywhere else, nothing is read later. Every problem is reported, not only the first,
//! and a key that nobody reads is a problem: a setting with a typing error must not be silently without effect. That
//! is why the sections are read by hand from a TOML table and not derived: a derived reader stops at the first error.

mod apps;
mod cleanup;
mod jobs;
mod reader;
mod redis;
mod refresh;
mod sections;
mod user_info;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use crate::domain::refresh_plan::Policy;
pub use apps::{App, Binding, CodeChoice, OAuthVersion, OrgLogin};
pub use cleanup::Cleanup;
pub use jobs::Jobs;
pub use redis::Redis;
pub use refresh::Refresh;
pub use sections::{Auth, Database, Log, MetricsListen, Reask, Server, Stream, Vault};
pub use user_info::UserInfo;
pub use variables::{VARIABLES, Variable};

use reader::Reader;

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// The API's listener.
    pub server: Server,
    /// The metrics' listener.
    pub metrics: MetricsListen,
    /// Where data is kept.
    pub database: Database,
    /// Where hints go through between replicas.
    pub redis: Redis,
    /// What data is sealed with.
    pub vault: Vault,
    /// Auth sessions and tokens.
    pub auth: Auth,
    /// How tokens are refreshed.
    pub refresh: Refresh,
    /// What runs once over all replicas.
    pub jobs: Jobs,
    /// How long what is over is kept.
    pub cleanup: Cleanup,
    /// When people are looked up.
    pub user_info: UserInfo,
    /// The long connections.
    pub stream: Stream,
    /// Logs.
    pub log: Log,
    /// The apps, at least one.
    pub apps: Vec<App>,
}

/// One thing that is wrong, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key (`server.listen`) or variable.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        for Problem { key, problem } in &self.0 {
            write!(f, "\n  {key}: {problem}")?;
        }
        Ok(())
    }
}

/// Where the configuration comes from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The text of `cardkey.toml`, if there is one.
    pub file: Option<String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Whether this is the demo: placeholder secrets are accepted.
    pub demo: bool,
}

impl Sources {
    /// Reads the file (which must exist if it is named) and this process's environment.
    pub fn collect(file: Option<&Path>, demo: bool) -> Result<Self, Problems> {
        let text = file.map(read_file).transpose()?;
        #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { file: text, environment, demo })
    }
}

fn read_file(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| one(&path.display().to_string(), &format!("cannot be read: {error}")))
}

fn one(key: &str, problem: &str) -> Problems {
    Problems(vec![Problem { key: key.to_owned(), problem: problem.to_owned() }])
}

impl Config {
    /// Builds the configuration, or says everything that is wrong with it.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let text = sources.file.as_deref().unwrap_or_default();
        // The parser's own message quotes the line, which may hold a secret; its position is enough.
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            one("cardkey.toml", &format!("line {line}: {}", error.message()))
        })?;
        let mut problems = variables::overlay(&mut table, &sources.environment);
        let mut reader = Reader::new(table, String::new(), &mut problems);
        let config = Self {
            server: reader.section("server", Server::load),
            metrics: reader.section("metrics", MetricsListen::load),
            database: reader.section("database", Database::load),
            redis: reader.section("redis", Redis::load),
            vault: reader.section("vault", Vault::load),
            auth: reader.section("auth", Auth::load),
            refresh: reader.section("refresh", Refresh::load),
            jobs: reader.section("jobs", Jobs::load),
            cleanup: reader.section("cleanup", Cleanup::load),
            user_info: reader.section("user_info", UserInfo::load),
            stream: reader.section("stream", Stream::load),
            log: reader.section("log", Log::load),
            apps: apps::load(&mut reader, sources.demo),
        };
        reader.done();
        config.check_together(&mut problems);
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    fn check_together(&self, problems: &mut Vec<Problem>) {
        for (position, app) in self.apps.iter().enumerate() {
            let needs_url = matches!(app.code, CodeChoice::Redirect) && self.server.public_url.is_none();
            let needs_page =
                matches!(app.code, CodeChoice::Paste) && app.redirect_uri.is_none() && self.server.public_url.is_none();
            if needs_url || needs_page {
                problems.push(Problem {
                    key: format!("apps[{position}].code"),
                    problem: "needs server.public_url (CARDKEY_SERVER__PUBLIC_URL), the address at which people's \
                              browsers reach this gateway; with code = \"device\" none is needed"
                        .to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
