//! A running sandbox: starts the listeners, joins the parts, stops them. Tests hold one and drive it in process or by HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::feishu::rate_limit::RateLimits;
use crate::feishu::stream::{Sources, Stream, StreamConfig};
use crate::feishu::{self, Feishu};
use crate::judge::Verdict;
use crate::options::{
    ALICE, AppSpec, BOB, CAROL, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY, Options, PersonSpec,
};
use crate::site::Site;
use crate::tls::{self, Tls, TlsError};
use crate::world::{State, World};
use crate::{chat, control, listener, random};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened, or a file not be written.
    #[error("a listener could not be opened or a file not be written")]
    Io(#[from] io::Error),
    /// There is no certificate.
    #[error("TLS could not be set up")]
    Tls(#[from] TlsError),
}

/// A running sandbox. It stops when [`Sandbox::stop`] is called or when it is dropped.
pub struct Sandbox {
    feishu: Arc<Feishu>,
    ground: Arc<Ground>,
    address: SocketAddr,
}

/// What a new app's long connection is started with.
pub struct Ground {
    options: Options,
    address: SocketAddr,
    tls: Option<Tls>,
    stop: CancellationToken,
}

impl Sandbox {
    /// Starts. When this returns, the sandbox answers.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let tls = if options.tls { Some(tls::make(&certificate_hosts(&options))?) } else { None };
        if let (Some(tls), Some(path)) = (&tls, &options.ca_out) {
            tokio::fs::write(path, &tls.ca_pem).await?;
        }
        let stop = CancellationToken::new();
        let ground = Arc::new(Ground { options, address, tls, stop: stop.clone() });
        let feishu = Arc::new(simulator(&ground));
        ground.open_streams(&feishu).await?;
        let router = Router::new()
            .merge(feishu::router(Arc::clone(&feishu)))
            .merge(chat::router(Arc::clone(&feishu)))
            .merge(control::router(Arc::clone(&feishu), Arc::clone(&ground)));
        let tasks = feishu.tasks.clone();
        feishu.tasks.spawn(listener::run(listener, ground.server_config(), router, tasks, stop));
        Ok(Self { feishu, ground, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin of every HTTP interface, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.ground.base_url()
    }

    /// The certificate that clients must trust, if TLS is on.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ground.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// The simulated platform, for tests that look or act without HTTP.
    #[must_use]
    pub const fn feishu(&self) -> &Arc<Feishu> {
        &self.feishu
    }

    /// What the judge says of all refreshes so far. While [`Totals::under_way`](crate::judge::Totals) is not zero, the
    /// verdict may still change: see [`Sandbox::judge_settled`].
    #[must_use]
    pub fn judge(&self) -> Verdict {
        self.feishu.judge()
    }

    /// As [`Sandbox::judge`], as soon as no request to the token endpoint is under way.
    pub async fn judge_settled(&self) -> Verdict {
        self.feishu.judge_settled().await
    }

    /// Every secret that this sandbox has handed out or been told: tokens, codes, device codes, app secrets, and people's
    /// numbers and addresses. Whoever tests a client looks for them where they must not be.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let state = self.feishu.world.lock();
        let issued = state.tokens.issued().chain(state.grants.codes()).chain(state.devices.codes());
        let contacts = state.people.iter().flat_map(|person| [person.mobile.as_str(), person.email.as_str()]);
        issued.chain(state.apps.iter().map(|app| app.secret.as_str())).chain(contacts).map(str::to_owned).collect()
    }

    /// Closes every connection and waits until its tasks have ended.
    pub async fn stop(self) {
        self.ground.stop.cancel();
        let streams: Vec<_> = {
            let mut streams = self.feishu.streams.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            streams.drain().map(|(_, stream)| stream).collect()
        };
        for stream in streams {
            stream.stop().await;
        }
        self.feishu.tasks.close();
        self.feishu.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.ground.stop.cancel();
    }
}

impl Ground {
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The host that clients on this machine can reach.
    fn local_host(&self) -> String {
        match self.address {
            address if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        }
    }

    fn base_url(&self) -> String {
        format!("{}://{}:{}", self.scheme(), self.local_host(), self.address.port())
    }

    fn server_config(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.tls.as_ref().map(|tls| Arc::clone(&tls.config))
    }

    async fn open_streams(&self, feishu: &Feishu) -> io::Result<()> {
        let apps: Vec<_> = feishu.world.lock().apps.iter().map(|app| app.app_id.clone()).collect();
        for app_id in apps {
            self.open_stream(feishu, &app_id).await?;
        }
        Ok(())
    }

    /// Starts the long connection of an app, unless it has one.
    pub async fn open_stream(&self, feishu: &Feishu, app_id: &str) -> io::Result<()> {
        if feishu.stream(app_id).is_some() {
            return Ok(());
        }
        let tenant_key = feishu.world.lock().apps.get(app_id).map(|app| app.tenant_key.clone());
        let port = if app_id == DEFAULT_APP_ID { self.options.stream_port } else { 0 };
        let config = self.stream_config(app_id, port, tenant_key.unwrap_or_default());
        let clock = Arc::clone(&feishu.clock);
        let sources = Sources {
            clock_ms: Arc::new(move || u64::try_from(clock.now_ms()).unwrap_or_default()),
            seed: random::seed(),
        };
        let stream = Stream::start_with(config, sources).await?;
        feishu.add_stream(app_id, Arc::new(stream));
        Ok(())
    }

    fn stream_config(&self, app_id: &str, port: u16, tenant_key: String) -> StreamConfig {
        let settings = self.options.stream;
        let public_host = self.options.public_host.clone();
        StreamConfig {
            app_id: app_id.to_owned(),
            listen: SocketAddr::new(self.options.listen.ip(), port),
            tls: self.server_config(),
            public_host: public_host.unwrap_or_else(|| self.local_host()),
            ping_interval_s: settings.ping_interval_s,
            reconnect_interval_s: settings.reconnect_interval_s,
            reconnect_nonce_s: settings.reconnect_nonce_s,
            reconnect_count: settings.reconnect_count,
            time_scale: self.options.time_scale,
            callback_timeout: settings.callback_timeout,
            auto_push: self.options.auto_push,
            tenant_key,
        }
    }
}

fn certificate_hosts(options: &Options) -> Vec<String> {
    let public = options.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let host = public.and_then(|url| url.host_str().map(str::to_owned));
    options.public_host.iter().cloned().chain(host).collect()
}

fn simulator(ground: &Ground) -> Feishu {
    let options = &ground.options;
    let site = Site {
        clock: Arc::new(Clock::start(options.time_scale)),
        world: World::new(first_state(options)),
        lifetimes: options.lifetimes,
        tenant_key: DEFAULT_TENANT_KEY.to_owned(),
        default_app_id: DEFAULT_APP_ID.to_owned(),
        public_url: options.public_url.clone().unwrap_or_else(|| ground.base_url()),
        faults: crate::faults::Faults::default(),
        journal: crate::journal::Journal::default(),
        tasks: TaskTracker::new(),
        stop: ground.stop.clone(),
    };
    Feishu {
        site: Arc::new(site),
        limits: RateLimits::new(options.rate_limits, options.token_limit),
        tables: feishu::apaas::Tables::default(),
        streams: RwLock::default(),
    }
}

fn first_state(options: &Options) -> State {
    let mut state = State::default();
    let default_app = AppSpec {
        app_id: DEFAULT_APP_ID.to_owned(),
        secret: Some(DEFAULT_APP_SECRET.to_owned()),
        name: Some("Cardkey".to_owned()),
        ..AppSpec::default()
    };
    for app in std::iter::once(default_app).chain(options.apps.iter().cloned()) {
        state.people.know_app(&app.app_id);
        state.apps.put(app, DEFAULT_TENANT_KEY);
    }
    for (open_id, name, locale) in [(ALICE, "Alice 陈爱丽", "zh"), (BOB, "Bob", "en"), (CAROL, "Carol", "en")] {
        let person = PersonSpec {
            open_id: Some(open_id.to_owned()),
            name: Some(name.to_owned()),
            locale: Some(locale.to_owned()),
            ..PersonSpec::default()
        };
        state.people.put(person, DEFAULT_TENANT_KEY);
    }
    for person in &options.people {
        state.people.put(person.clone(), DEFAULT_TENANT_KEY);
    }
    state.people.generate(options.generated_people, DEFAULT_TENANT_KEY);
    state
}
