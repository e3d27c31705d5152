//! What a world is made with.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use cardkey::web::serve::Limits;
use cardkey_engines::Engine;
use cardkey_sandbox::{AppSpec, DEFAULT_APP_ID, Options, WECHAT_APP_ID, WECHAT_APP_SECRET};

use super::at::At;

/// The app of every world.
pub(crate) const APP: &str = DEFAULT_APP_ID;

/// The second app of a world with two.
pub(crate) const OTHER_APP: &str = "cli_0123456789abcdef";

/// Its secret.
const OTHER_APP_SECRET: &str = "canary-secret-of-the-second-app";

/// What the API key of every world may ask for.
pub(crate) const SCOPES: &str = "apaas:app:read apaas:workspace:read contact:user.email:readonly offline_access";

/// The port of the gateway's API.
pub(crate) const API_PORT: u16 = 8080;

/// The key that data is sealed with. A canary: it must be found nowhere.
pub(crate) const MASTER_KEY: &str = "Q0FOQVJZLW1hc3Rlci1rZXktMzItYnl0ZXMtbG9uZyE=";

tokio::task_local! {
    /// The server that a test's worlds have their databases on.
    static SERVER: Engine;
}

/// Runs a test with the databases of its worlds on this server.
pub(crate) async fn on<T>(engine: Engine, test: impl Future<Output = T>) -> T {
    SERVER.scope(engine, Box::pin(test)).await
}

/// What the test's server holds of a database, if the test has one.
pub(super) fn dump(configured: &str) -> Option<Vec<u8>> {
    let url = configured.split('"').nth(1)?;
    SERVER.try_with(|engine| engine.dump(url)).ok()
}

/// Throws away what the test's server holds of a database, if the test has one.
#[cfg(feature = "failpoints")]
pub(super) fn drop_database(configured: &str) {
    let name = configured.split('"').nth(1).and_then(|url| url.rsplit('/').next());
    if let (Some(name), Ok(engine)) = (name, SERVER.try_with(|engine| *engine)) {
        engine.administer(&format!("DROP DATABASE {name};"));
    }
}

/// The database's part of the configuration: the setup's, or a new one, as a file in the world's directory or on the test's
/// server.
pub(crate) fn database(setup: &Setup, directory: &Path) -> String {
    let on_a_server = setup.database.clone().or_else(|| SERVER.try_with(|engine| engine.database()).ok());
    match on_a_server {
        Some(url) => format!("url = \"{url}\"\npool_size = 2"),
        None => format!("url = \"sqlite://{}/cardkey.db\"", directory.display()),
    }
}

/// What a world is made with; every test changes what it is about.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Where the first app is.
    pub(crate) at: At,
    /// `redirect`, `device` or `paste`.
    pub(crate) code: &'static str,
    /// More lines for `[[apps]]`.
    pub(crate) app_lines: String,
    /// More tables.
    pub(crate) tables: String,
    /// Environment variables.
    pub(crate) environment: BTreeMap<String, String>,
    /// The URL of another database than a new one of the test's own.
    pub(crate) database: Option<String>,
    /// The sandbox.
    pub(crate) sandbox: Options,
    /// Whether the gateway is told where people's browsers reach it.
    pub(crate) public_url: bool,
    /// How long HTTP clients may take.
    pub(crate) limits: Limits,
    /// Whether there is [`OTHER_APP`], too.
    pub(crate) two_apps: bool,
    /// The id of a mini-program, if there is one, too.
    pub(crate) mini_program: Option<&'static str>,
    /// Whether the gateway refreshes what is due by the clock; if not, the test says when.
    pub(crate) refreshes_by_itself: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            at: At::Feishu,
            code: "redirect",
            app_lines: String::new(),
            tables: String::new(),
            environment: BTreeMap::new(),
            database: None,
            sandbox: Options::default(),
            public_url: true,
            limits: Limits { linger: Duration::from_millis(10), ..Limits::default() },
            two_apps: false,
            mini_program: None,
            refreshes_by_itself: false,
        }
    }
}

impl Setup {
    /// With authorizations coming back this way.
    pub(crate) fn code(code: &'static str) -> Self {
        Self { code, public_url: code != "device", ..Self::default() }
    }

    /// With everything to and from the platform over TLS.
    pub(crate) fn tls() -> Self {
        Self { sandbox: Options { tls: true, ..Options::default() }, ..Self::default() }
    }

    /// With [`OTHER_APP`] beside the first one.
    pub(crate) fn two_apps() -> Self {
        Self { two_apps: true, ..Self::default() }.with_second_app_at_the_platform()
    }

    /// With a mini-program beside the first one.
    pub(crate) fn mini_program() -> Self {
        Self { mini_program: Some(WECHAT_APP_ID), ..Self::default() }
    }

    /// The platform knows [`OTHER_APP`].
    pub(crate) fn with_second_app_at_the_platform(mut self) -> Self {
        let other =
            AppSpec { app_id: OTHER_APP.to_owned(), secret: Some(OTHER_APP_SECRET.to_owned()), ..AppSpec::default() };
        self.sandbox.apps.push(other);
        self
    }

    /// With this environment variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With these lines in `[[apps]]`.
    pub(crate) fn app(mut self, lines: &str) -> Self {
        self.app_lines.push_str(lines);
        self.app_lines.push('\n');
        self
    }

    /// The configuration file.
    pub(crate) fn file(&self, ip: Ipv4Addr, sandbox: &str, database: &str) -> String {
        let public_url =
            if self.public_url { format!("public_url = \"http://{ip}:{API_PORT}\"") } else { String::new() };
        let mut other = if self.two_apps {
            Self::app_table(At::Feishu, OTHER_APP, OTHER_APP_SECRET, sandbox)
        } else {
            String::new()
        };
        if let Some(id) = self.mini_program {
            let table = Self::app_table(At::Feishu, id, WECHAT_APP_SECRET, sandbox);
            other += &table.replace("\"feishu\"", "\"wechat\"");
            other += "code = \"none\"\n";
        }
        format!(
            "[server]\nlisten = \"{ip}:{API_PORT}\"\n{public_url}\n[metrics]\nhost = \"{ip}\"\n\
             [database]\n{database}\n[vault]\nmaster_key = \"k1:{MASTER_KEY}\"\n{tables}\n\
             {app}code = \"{code}\"\n{app_lines}\n{other}",
            tables = self.tables,
            app = Self::app_table(self.at, self.at.app(), self.at.app_secret(), sandbox),
            code = self.code,
            app_lines = self.app_lines,
        )
    }

    fn app_table(at: At, id: &str, secret: &str, sandbox: &str) -> String {
        format!(
            "[[apps]]\nplatform = \"{platform}\"\napp_id = \"{id}\"\napp_secret = \"{secret}\"\nname = \"Reports bot\"\n\
             open_url = \"{sandbox}\"\naccounts_url = \"{sandbox}\"\n{lines}",
            platform = at.name(),
            lines = at.app_lines(),
        )
    }
}
