//! A running sandbox: starts the listeners, joins the parts, stops them. Tests hold one and drive it in process or by HTTP.

mod outset;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::dingtalk::{self, DingTalk};
use crate::feishu::stream::{Sources, Stream, StreamConfig};
use crate::feishu::{self, Feishu};
use crate::judge::Verdict;
use crate::options::{DEFAULT_APP_ID, DINGTALK_CLIENT_ID, Options};
use crate::site::Site;
use crate::tls::{self, Tls, TlsError};
use crate::wechat::{self, WeChat};
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
    dingtalk: Arc<DingTalk>,
    wechat: Arc<WeChat>,
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
        let clock = Arc::new(Clock::start(ground.options.time_scale));
        let feishu = Arc::new(outset::feishu(&ground, &clock));
        let dingtalk = Arc::new(outset::dingtalk(&ground, &clock, feishu.tasks.clone()));
        let wechat = Arc::new(outset::wechat(&ground, &clock, feishu.tasks.clone()));
        ground.open_streams(&feishu, &dingtalk).await?;
        let router = Router::new()
            .merge(feishu::router(Arc::clone(&feishu)))
            .merge(chat::router(Arc::clone(&feishu)))
            .merge(control::router(Arc::clone(&feishu), Arc::clone(&ground)))
            .merge(dingtalk::router(Arc::clone(&dingtalk)))
            .merge(dingtalk::chat::router(Arc::clone(&dingtalk)))
            .merge(control::dingtalk::router(Arc::clone(&dingtalk), Arc::clone(&ground)))
            .merge(wechat::router(Arc::clone(&wechat)))
            .merge(wechat::page::router(Arc::clone(&wechat)))
            .merge(control::wechat::router(Arc::clone(&wechat)));
        let tasks = feishu.tasks.clone();
        feishu.tasks.spawn(listener::run(listener, ground.server_config(), router, tasks, stop));
        Ok(Self { feishu, dingtalk, wechat, ground, address })
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

    /// The simulated DingTalk, for tests that look or act without HTTP.
    #[must_use]
    pub const fn dingtalk(&self) -> &Arc<DingTalk> {
        &self.dingtalk
    }

    /// The simulated WeChat, for tests that look or act without HTTP.
    #[must_use]
    pub const fn wechat(&self) -> &Arc<WeChat> {
        &self.wechat
    }

    /// The simulated Feishu, for tests that look or act without HTTP.
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
        let sites = [&self.feishu.site, &self.dingtalk.site, &self.wechat.site];
        sites.into_iter().flat_map(|site| secrets_of(site)).chain(self.wechat.secrets()).collect()
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
        let streams: Vec<_> = {
            let mut streams = self.dingtalk.streams.write().unwrap_or_else(std::sync::PoisonError::into_inner);
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

    async fn open_streams(&self, feishu: &Feishu, dingtalk: &DingTalk) -> io::Result<()> {
        let ids =
            |site: &Site| -> Vec<String> { site.world.lock().apps.iter().map(|app| app.app_id.clone()).collect() };
        for app_id in ids(feishu) {
            self.open_stream(feishu, &app_id).await?;
        }
        for client_id in ids(dingtalk) {
            self.open_dingtalk_stream(dingtalk, &client_id).await?;
        }
        Ok(())
    }

    /// Starts the long connection of a DingTalk app, unless it has one.
    pub async fn open_dingtalk_stream(&self, dingtalk: &DingTalk, client_id: &str) -> io::Result<()> {
        if dingtalk.stream(client_id).is_some() {
            return Ok(());
        }
        let corp_id = dingtalk.world.lock().apps.get(client_id).map(|app| app.tenant_key.clone());
        let settings = &self.options.dingtalk;
        let port = if client_id == DINGTALK_CLIENT_ID { settings.stream_port } else { 0 };
        let config = dingtalk::stream::StreamConfig {
            client_id: client_id.to_owned(),
            corp_id: corp_id.unwrap_or_default(),
            listen: SocketAddr::new(self.options.listen.ip(), port),
            tls: self.server_config(),
            public_host: self.options.public_host.clone().unwrap_or_else(|| self.local_host()),
            callback_timeout: settings.callback_timeout,
            ping_interval: settings.ping_interval,
            clock: Arc::clone(&dingtalk.clock),
            seed: random::seed(),
        };
        let stream = dingtalk::stream::Stream::start(config).await?;
        dingtalk.add_stream(client_id, Arc::new(stream));
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

fn secrets_of(site: &Site) -> Vec<String> {
    let state = site.world.lock();
    let issued = state.tokens.issued().chain(state.grants.codes()).chain(state.devices.codes());
    let contacts = state.people.iter().flat_map(|person| [person.mobile.as_str(), person.email.as_str()]);
    let apps = state.apps.iter();
    let of_apps = apps.flat_map(|app| [Some(&app.secret), app.encrypt_key.as_ref()]).flatten().map(String::as_str);
    issued.chain(of_apps).chain(contacts).map(str::to_owned).collect()
}
