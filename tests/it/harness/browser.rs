//! A headless Chromium that does what people do: looks at pages, clicks, types, and goes from tab to tab.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, TimeoutConfiguration, WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::driver::Driver;
use super::world::World;

/// Browsers at once; more would only take each other's time.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// How long an element may take to appear before the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--hide-scrollbars",
];

/// What a browser is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Of the page, in CSS pixels.
    pub(crate) width: u32,
    /// Of the page, in CSS pixels.
    pub(crate) height: u32,
    /// Whether it is a phone's: touch, and pages are told so.
    pub(crate) phone: bool,
    /// What it asks pages for.
    pub(crate) language: &'static str,
}

impl Look {
    /// A computer's browser.
    pub(crate) const DESKTOP: Self = Self { width: 1200, height: 720, phone: false, language: "en" };
    /// A phone's browser.
    pub(crate) const PHONE: Self = Self { width: 390, height: 844, phone: true, language: "en" };

    /// The same in another language.
    pub(crate) const fn speaking(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    fn capabilities(self, profile: &TempDir) -> Capabilities {
        let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={},{}", self.width, self.height));
        flags.push(format!("--accept-lang={}", self.language));
        let mut options = json!({ "args": flags });
        let (width, height) = (self.width, self.height);
        let pixels = if self.phone { 1.5 } else { 1.0 };
        options["mobileEmulation"] = json!({
            "deviceMetrics": { "width": width, "height": height, "pixelRatio": pixels, "touch": self.phone, "mobile": self.phone },
        });
        let all = json!({ "acceptInsecureCerts": true, "goog:chromeOptions": options });
        all.as_object().unwrap().clone()
    }
}

impl World {
    /// Keeps the page that the browser is at, as something the gateway answered.
    pub(crate) async fn saw(&self, browser: &Browser) {
        let page = browser.source().await;
        self.seen.lock().unwrap().push(page);
    }
}

/// A browser with the chat open in its first tab.
pub(crate) struct Browser {
    client: Client,
    chat: WindowHandle,
    language: &'static str,
    driver: Driver,
    _profile: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Browser {
    /// A computer's, in English.
    pub(crate) async fn open() -> Self {
        Self::with(Look::DESKTOP).await
    }

    pub(crate) async fn with(look: Look) -> Self {
        let permit = BROWSERS.acquire().await.unwrap();
        let (mut driver, profile) = (Driver::start(), TempDir::new().unwrap());
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(look.capabilities(&profile)).connect(&driver.url).await.unwrap();
        driver.drives(client.capabilities().and_then(|all| all.get("goog:processID")?.as_u64()));
        let patience = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), Some(PATIENCE));
        client.update_timeouts(patience).await.unwrap();
        let chat = client.window().await.unwrap();
        Self { client, chat, language: look.language, driver, _profile: profile, _permit: permit }
    }

    /// Ends it. (A test that fails before leaves that to the driver's end.)
    pub(crate) async fn close(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.drives(None);
    }

    /// Opens the sandbox's chat and picks who to be there.
    pub(crate) async fn be(&self, world: &World, person: &str) {
        let language = self.language.get(..2).unwrap();
        self.client.goto(&format!("{}/?lang={language}", world.sandbox.base_url())).await.unwrap();
        self.click(&format!("[data-open-id='{person}']")).await;
        self.find(".live[data-live='live']").await;
    }

    /// Opens the mini-program in this person's phone.
    pub(crate) async fn open_mini_program(&self, world: &World, person: &str) {
        let language = self.language.get(..2).unwrap();
        self.client.goto(&format!("{}/wechat?lang={language}", world.sandbox.base_url())).await.unwrap();
        self.click(&format!("[data-open-id='{person}']")).await;
        self.find("[data-action='login']").await;
    }

    /// The first element that fits; waits for it.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let found = self.client.find(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css} at {}: {error}", self.address().await),
        }
    }

    /// How many elements fit now.
    pub(crate) async fn count(&self, css: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run(script, vec![json!(css)]).await.as_u64().unwrap()
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("{css} cannot be clicked: {error}"));
    }

    /// What a reader sees of an element, be it still fading in.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.prop("innerText").await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn type_into(&self, css: &str, keys: &str) {
        self.find(css).await.send_keys(keys).await.unwrap();
    }

    /// What stands in the address bar.
    pub(crate) async fn address(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    pub(crate) async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Goes to the tab that a click opened; waits for it.
    pub(crate) async fn to_new_tab(&self) {
        let found = async {
            loop {
                let tabs = self.client.windows().await.unwrap();
                if let Some(tab) = tabs.into_iter().find(|tab| *tab != self.chat) {
                    return tab;
                }
            }
        };
        let tab = tokio::time::timeout(PATIENCE, found).await.expect("a tab is opened");
        self.client.switch_to_window(tab).await.unwrap();
    }

    /// Closes this tab and goes back to the chat.
    pub(crate) async fn to_chat(&self) {
        self.client.close_window().await.unwrap();
        self.client.switch_to_window(self.chat.clone()).await.unwrap();
    }

    /// Gives the browser a command of its own protocol.
    pub(super) async fn command(&self, command: impl WebDriverCompatibleCommand + Send + 'static) -> Value {
        self.client.issue_cmd(command).await.unwrap()
    }
}
