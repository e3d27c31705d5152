//! One sandbox, one gateway, one caller.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardkey::access::Access;
use cardkey::app::{Ambient, Gateway, OsRandom};
use cardkey::config::{Config, Sources};
use cardkey::domain::clock::{Clock as _, Timestamp};
use cardkey::domain::ids::AppId;
use cardkey::domain::scopes::ScopeSet;
use cardkey::metrics::Metrics;
use cardkey::store::Store;
use cardkey_sandbox::{ALICE, Sandbox};
use reqwest::{Client, RequestBuilder, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::setup::{API_PORT, APP, Setup};
use super::time::MovedClock;
use super::{addresses, captured, setup};

/// An answer of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The last word of a problem's type.
    pub(crate) fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.trim_start_matches("urn:cardkey:problem:").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn session(&self) -> String {
        self.json()["auth_session"]["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// One sandbox, one gateway, one caller.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) ip: Ipv4Addr,
    pub(crate) key: String,
    pub(crate) setup: Setup,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) http: Client,
    pub(crate) directory: TempDir,
    /// What its configuration says of its database.
    pub(crate) database: String,
    /// What the gateway answered, but for tokens given to those who may have them.
    pub(crate) seen: Mutex<Vec<String>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let mut world = Self::without_gateway(setup).await;
        world.start_gateway().await;
        world.key = world.new_key("reports", &[world.app()], world.setup.at.scopes()).await;
        world
    }

    /// The sandbox alone; [`World::start_gateway`] does the rest.
    pub(crate) async fn without_gateway(setup: Setup) -> Self {
        captured::start();
        let ip = addresses::fresh();
        let sandbox = Self::sandbox(&setup, SocketAddr::from((ip, 9100))).await;
        // The world's own address: whoever else connects comes from 127.0.0.1, and audit lines name it.
        let http = Client::builder()
            // The gateway ends idle connections after ten seconds; a request must not meet that end.
            .pool_idle_timeout(Duration::from_secs(5))
            .local_address(IpAddr::from(ip))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .tls_danger_accept_invalid_certs(setup.sandbox.tls)
            .build()
            .unwrap();
        let directory = TempDir::new().unwrap();
        Self {
            database: setup::database(&setup, directory.path()),
            sandbox,
            gateway: None,
            ip,
            key: String::new(),
            setup,
            clock: Arc::default(),
            http,
            directory,
            seen: Mutex::default(),
        }
    }

    /// A sandbox on this address.
    pub(crate) async fn sandbox(setup: &Setup, listen: SocketAddr) -> Sandbox {
        let public_host = Some(listen.ip().to_string());
        Sandbox::start(cardkey_sandbox::Options { listen, public_host, ..setup.sandbox.clone() }).await.unwrap()
    }

    /// The configuration of this world's gateway. It trusts the authority of the world's first sandbox with TLS.
    pub(crate) fn config(&self) -> Config {
        self.config_at(self.ip)
    }

    /// The URL of its database, if it is on a server.
    pub(crate) fn database_url(&self) -> &str {
        self.database.split('"').nth(1).unwrap()
    }

    fn config_at(&self, ip: Ipv4Addr) -> Config {
        let mut setup = self.setup.clone();
        if let Some(pem) = self.sandbox.ca_pem() {
            let path = self.directory.path().join("ca.pem");
            if !path.exists() {
                std::fs::write(&path, pem).unwrap();
            }
            setup = setup.app(&format!("ca_file = \"{}\"", path.display()));
        }
        let file = setup.file(ip, &self.sandbox.base_url(), &self.database);
        let sources = Sources { file: Some(file), environment: self.setup.environment.clone(), demo: true };
        Config::load(&sources).unwrap()
    }

    pub(crate) async fn start_gateway(&mut self) {
        self.gateway = Some(Gateway::start(self.config(), self.ambient()).await.unwrap());
    }

    fn ambient(&self) -> Ambient {
        Ambient {
            clock: self.clock.clone(),
            random: Arc::new(OsRandom),
            limits: self.setup.limits,
            refreshes_by_itself: self.setup.refreshes_by_itself,
        }
    }

    /// Starts one more gateway on the same database, at an address of its own.
    pub(crate) async fn another_gateway(&self) -> Gateway {
        Gateway::start(self.config_at(addresses::fresh()), self.ambient()).await.unwrap()
    }

    /// One more gateway whose clock is its own.
    pub(crate) async fn another_gateway_by(&self, clock: Arc<MovedClock>) -> Gateway {
        let ambient = Ambient { clock, ..self.ambient() };
        Gateway::start(self.config_at(addresses::fresh()), ambient).await.unwrap()
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// Ends the gateway in an orderly way and starts it again on the same data.
    pub(crate) async fn restart_gateway(&mut self) {
        self.gateway.take().unwrap().stop().await;
        self.start_gateway().await;
    }

    pub(crate) async fn new_key(&self, name: &str, apps: &[&str], scopes: &str) -> String {
        let store: Store = self.gateway().store();
        let access = Access::new(store, self.clock.clone(), Metrics::new().unwrap());
        let apps: BTreeSet<AppId> = apps.iter().map(|app| AppId::parse(app).unwrap()).collect();
        let made = access.create(&OsRandom, name, apps, ScopeSet::from_list(scopes)).await.unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}:{API_PORT}{path}", self.ip)
    }

    /// Sends a request to the gateway and keeps what it answered.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let reply = Reply { status, headers, text: response.text().await.unwrap() };
        if !reply.text.contains("\"access_token\"") {
            self.seen.lock().unwrap().push(reply.text.clone());
        }
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.http.get(self.url(path)).bearer_auth(&self.key)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.http.post(self.url(path)).bearer_auth(&self.key).json(body)).await
    }

    /// `POST /v1/tokens` for Alice.
    pub(crate) async fn ask(&self, scopes: &[&str]) -> Reply {
        self.ask_for(ALICE, scopes, &json!({})).await
    }

    /// `POST /v1/tokens` with more fields.
    pub(crate) async fn ask_for(&self, person: &str, scopes: &[&str], more: &Value) -> Reply {
        self.post("/v1/tokens", &self.body_here(person, scopes, more)).await
    }

    /// `POST /v1/tokens` that holds the line.
    pub(crate) async fn ask_waiting(&self, person: &str, scopes: &[&str], seconds: u32) -> Reply {
        let body = self.body_here(person, scopes, &json!({}));
        let request = self.http.post(self.url("/v1/tokens")).bearer_auth(&self.key);
        self.send(request.header("prefer", format!("wait={seconds}")).json(&body)).await
    }

    pub(crate) fn body(person: &str, scopes: &[&str], more: &Value) -> Value {
        let mut body = json!({ "app": APP, "subject": person, "scopes": scopes });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    /// The body for the world's app, with the person as it calls them.
    fn body_here(&self, person: &str, scopes: &[&str], more: &Value) -> Value {
        let mut here = json!({ "app": self.app() });
        here.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self::body(&self.subject(person), scopes, &here)
    }

    /// Where a session stands; waits until it has ended.
    pub(crate) async fn ended(&self, session: &str) -> Value {
        let request = self.http.get(self.url(&format!("/v1/auth-sessions/{session}"))).bearer_auth(&self.key);
        self.send(request.header("prefer", "wait=30")).await.json()
    }

    pub(crate) async fn status(&self, session: &str) -> String {
        let reply = self.get(&format!("/v1/auth-sessions/{session}")).await;
        reply.json()["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until readiness is said in this word; gives the whole answer.
    pub(crate) async fn readiness_is(&self, word: &str) -> Value {
        for _ in 0..10_000 {
            let readiness = self.send(self.http.get(self.url("/readyz"))).await.json();
            if readiness["status"] == word {
                return readiness;
            }
        }
        panic!("never {word}: {}", self.get("/readyz").await.text);
    }

    /// Who connected to the gateway's API besides this world's callers.
    pub(crate) fn strangers(&self) -> Vec<String> {
        let (api, own) = (format!("at={}:{API_PORT}", self.ip), format!("peer={}:", self.ip));
        let connects = |line: &&str| line.contains("a client connected") && line.contains(&api);
        captured::logs().lines().filter(connects).filter(|line| !line.contains(&own)).map(str::to_owned).collect()
    }

    /// The sandbox's control API.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{}/control/{path}", self.sandbox.base_url(), self.setup.at.base());
        let response = self.http.post(url).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "control {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        let url = format!("{}{}/control/{path}", self.sandbox.base_url(), self.setup.at.base());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Spoils requests to the platform.
    pub(crate) async fn fault(&self, rule: &Value) {
        self.control("faults", rule).await;
    }

    /// How often the platform was called at this interface.
    pub(crate) async fn calls(&self, api: &str) -> usize {
        self.look(&format!("log?api={api}&limit=100000")).await.as_array().map_or(0, Vec::len)
    }

    /// Moves the clocks of both sides ahead.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.control("clock", &json!({ "advance_ms": by.as_millis() })).await;
    }

    /// The gateway's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until something holds that nothing announces: it is looked at again and again.
    pub(crate) async fn until(&self, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !holds().await {
            assert!(Instant::now() < deadline, "it does not come to hold within a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn metrics(&self) -> String {
        let reply = self.send(self.http.get(format!("http://{}:8000/metrics", self.ip))).await;
        reply.text
    }

    /// The value of a series, as `/metrics` writes its name and labels.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.metrics().await;
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }
}
