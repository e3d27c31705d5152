//! The composition root: from a configuration to running components. The only place that names every concrete type.
//!
//! Order at start: everything that can be refused is checked before anything listens or dials; then the store, the
//! listeners, the jobs, and last the event streams, so that no event arrives before it can be handled. Order at the
//! end: not ready, listeners and streams stop taking on work, what is in flight is finished and stored, the store
//! closes.

mod ambient;
mod app_tokens;
mod archive;
mod error;
mod hearing;
mod job_commands;
mod jobs;
mod keys;
mod listening;
mod lock;
mod logins;
mod memory;
mod output;
mod platforms;
mod refreshing;
mod ring;
mod shared_jobs;
mod storage;
mod streams;
mod webhooks;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::auth_session::{App as AskedApp, AuthSessions, Keep, Parts as AuthSessionParts, Settings, Tasks};
use crate::config::{Config, Sources};
use crate::dispatch::Dispatch;
use crate::domain::clock::Clock;
use crate::domain::hint::Tell;
use crate::domain::random::Random;
use crate::grants::Grants;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::web::serve::Limits;
use crate::web::{CookieStyle, WebState};

pub use ambient::{OsRandom, SystemClock};
pub use archive::Archive;
pub use error::StartError;
pub use job_commands::Jobs;
pub use keys::Keys;
pub use output::print;
pub use ring::Ring;

use app_tokens::AppTokens;
use listening::{bind, listen, local};
use lock::ProcessLock;
use storage::{keyring, open_store, store_config};
use streams::Streams;

/// What a process has besides its configuration; tests bring their own.
#[derive(Clone)]
pub struct Ambient {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// How long HTTP clients may take.
    pub limits: Limits,
    /// Whether grants that are due are refreshed by the clock; a test that says when to, by [`Grants::run_refreshes`], says no.
    pub refreshes_by_itself: bool,
}

impl Default for Ambient {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            limits: Limits::default(),
            refreshes_by_itself: true,
        }
    }
}

/// A gateway that runs.
pub struct Gateway {
    /// Where the API answers.
    pub api: SocketAddr,
    /// Where `/metrics` answers.
    pub metrics: SocketAddr,
    /// The jobs' work, for tests that run it at a time of their choosing.
    pub auth_sessions: AuthSessions,
    /// The same of refreshing.
    pub grants: Grants,
    shutdown: Shutdown,
    store: Store,
    store_tasks: TaskTracker,
    _lock: ProcessLock,
}

/// The parts that use cases are made of.
struct Base {
    ambient: Ambient,
    metrics: Metrics,
    shutdown: Shutdown,
    store: Store,
    tell: Tell,
}

impl Gateway {
    /// Starts everything, or says in one line why not.
    pub async fn start(config: Config, ambient: Ambient) -> Result<Self, StartError> {
        ambient::install_tls_provider();
        let lock = ProcessLock::take(config.database.url.expose())?;
        let tokens = AppTokens::default();
        let platforms = platforms::build(&config, &ambient, &tokens)?;
        let api = bind(config.server.listen).await?;
        let metrics_listener = bind(config.metrics.listen).await?;
        let store_tasks = TaskTracker::new();
        let metrics = Metrics::new()?;
        let store = open_store(&config, &ambient, true, &store_tasks, &metrics).await?;
        store.take_up_sealing_key().await?;
        storage::show_log(&store, &metrics)?;
        let (tell, hints) = hearing::outlet(&config, &ambient, &metrics)?;
        let base = Base { ambient, metrics, shutdown: Shutdown::default(), store: store.clone(), tell };
        tokens.open(store.clone(), base.shutdown.tracker.clone());
        let auth_sessions = auth_sessions(&base, &config, &platforms);
        let grants = refreshing::grants(&base, &config, &platforms, &auth_sessions);
        if let Err(error) = grants.take_over().await {
            tracing::warn!(%error, "what a crash left of refreshes could not be taken up yet; the jobs will");
        }
        let dispatch = dispatcher(&base, &platforms, (&auth_sessions, &grants));
        dispatch.recall_tenants().await?;
        // Before a link is up: a tap that came while the kept ids are read would wait too long, and it comes only once.
        base.store.claim_inbox().await?;
        let streams = Streams::start(&base, &config, &platforms, &dispatch);
        hearing::start(&base, hints, (&auth_sessions, &grants));
        let login = logins::login(&base, &platforms);
        jobs::start(&base, &config, (&auth_sessions, &grants, login.clone()));
        let addresses = (local(&api)?, local(&metrics_listener)?);
        let state = web_state(&base, &config, (&auth_sessions, &grants, login), &streams);
        listen(&base, (api, metrics_listener), state);
        tracing::info!(api = %addresses.0, metrics = %addresses.1, apps = platforms.len(), "cardkey is up");
        Ok(Self {
            api: addresses.0,
            metrics: addresses.1,
            auth_sessions,
            grants,
            shutdown: base.shutdown,
            store,
            store_tasks,
            _lock: lock,
        })
    }

    /// The store, for work beside the gateway.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// Finishes what is in flight, stores it, and ends.
    pub async fn stop(self) {
        self.shutdown.finish().await;
        self.store.close().await;
        self.store_tasks.close();
        self.store_tasks.wait().await;
    }
}

/// Closes the memory to others, reads the configuration and starts the logs as it says.
pub fn prepare(file: Option<&Path>, demo: bool) -> Result<Config, StartError> {
    let closed = memory::close();
    let config = Config::load(&Sources::collect(file, demo)?)?;
    crate::telemetry::start(&config.log.level, config.log.json)
        .map_err(|error| StartError::Command(error.to_string()))?;
    if let Err(error) = closed {
        tracing::warn!(%error, "the system does not let the process's memory be closed to others");
    }
    ambient::arm_fail_point();
    Ok(config)
}

/// Runs until a signal.
pub async fn serve(config: Config) -> Result<(), StartError> {
    // Before anything runs: whoever sees that it is up may end it.
    let signal = crate::shutdown::signal();
    let gateway = Gateway::start(config, Ambient::default()).await?;
    signal.await;
    tokio::select! {
        () = gateway.stop() => tracing::info!("cardkey has stopped"),
        () = crate::shutdown::signal() => tracing::warn!("a second signal: ending at once"),
    }
    Ok(())
}

/// Brings the database to this version's schema.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    with_store(config, true, |store| async move { store.ping().await.map_err(StartError::from) }).await
}

/// Checks what can be checked without starting: the key ring, the database's URL, the platforms' settings, CA files.
pub fn check(config: &Config) -> Result<(), StartError> {
    ambient::install_tls_provider();
    keyring(config)?;
    store_config(config, false).check()?;
    hearing::server(config)?;
    platforms::build(config, &Ambient::default(), &AppTokens::default())?;
    Ok(())
}

/// Opens the store for one piece of work beside a gateway that may be running.
pub(crate) async fn with_store<T, Fut>(
    config: &Config,
    migrate: bool,
    work: impl FnOnce(Store) -> Fut,
) -> Result<T, StartError>
where
    Fut: Future<Output = Result<T, StartError>>,
{
    let tasks = TaskTracker::new();
    let store = open_store(config, &Ambient::default(), migrate, &tasks, &Metrics::new()?).await?;
    let result = work(store.clone()).await;
    store.close().await;
    tasks.close();
    tasks.wait().await;
    result
}

fn auth_sessions(base: &Base, config: &Config, platforms: &[platforms::Built]) -> AuthSessions {
    let apps = platforms.iter().filter_map(|built| {
        let (platform, way) = built.asking.clone()?;
        let app = AskedApp { platform, way, tenant: built.tenant.clone() };
        Some((built.platform.app.clone(), app))
    });
    let tokenless = platforms.iter().filter(|built| built.asking.is_none());
    AuthSessions::new(AuthSessionParts {
        store: base.store.clone(),
        apps: apps.collect(),
        tokenless: tokenless.map(|built| built.platform.app.clone()).collect(),
        settings: Settings {
            expiry: config.auth.session_expiry,
            per_minute: config.auth.request_rate_limit,
            exchanges: refreshing::limit(config),
            keep: Keep { sessions: config.cleanup.sessions, events: config.cleanup.events },
        },
        clock: Arc::clone(&base.ambient.clock),
        random: Arc::clone(&base.ambient.random),
        metrics: base.metrics.clone(),
        tasks: Tasks { tracker: base.shutdown.tracker.clone(), soft: base.shutdown.soft.clone() },
        tell: Arc::clone(&base.tell),
    })
}

fn web_state(
    base: &Base,
    config: &Config,
    (auth_sessions, grants, login): (&AuthSessions, &Grants, Login),
    streams: &Streams,
) -> WebState {
    WebState {
        access: Access::new(base.store.clone(), Arc::clone(&base.ambient.clock), base.metrics.clone()),
        auth_sessions: auth_sessions.clone(),
        grants: grants.clone(),
        login,
        metrics: base.metrics.clone(),
        readiness: streams.readiness(base),
        webhooks: streams.webhooks.clone(),
        cookies: CookieStyle { secure: config.server.public_url.as_ref().is_some_and(|url| url.scheme() == "https") },
    }
}

fn dispatcher(
    base: &Base,
    platforms: &[platforms::Built],
    (auth_sessions, grants): (&AuthSessions, &Grants),
) -> Dispatch {
    let tenants: HashMap<_, _> =
        platforms.iter().map(|built| (built.platform.app.clone(), built.tenant.clone())).collect();
    Dispatch::new(
        base.store.clone(),
        (auth_sessions.clone(), grants.clone()),
        &tenants,
        Arc::clone(&base.ambient.clock),
        base.metrics.clone(),
    )
}
