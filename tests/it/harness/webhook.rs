//! Events by webhook: the administrator at the platform's console, and what is posted.

use cardkey_sandbox::feishu::webhook::letter::{Letter, Seals};
use cardkey_sandbox::{AppSpec, random};
use serde_json::{Value, json};

use super::setup::{APP, Setup};
use super::world::{Reply, World};

/// The encrypt key of [`APP`] in a world with webhooks. A canary: it must be found nowhere.
pub(crate) const ENCRYPT_KEY: &str = "canary-encrypt-key-5bd1e0";

/// The verification token that the sandbox gives an app.
pub(crate) fn verification_token(app: &str) -> String {
    random::fixed_hex(&format!("verification {app}"))
}

impl Setup {
    /// With an encrypt key at the platform, and in the gateway.
    pub(crate) fn webhook() -> Self {
        let lines = format!("encrypt_key = \"{ENCRYPT_KEY}\"\nverification_token = \"{}\"", verification_token(APP));
        Self::default().at_the_console(Some(ENCRYPT_KEY)).app(&lines)
    }

    /// With this encrypt key at the platform.
    pub(crate) fn at_the_console(mut self, key: Option<&str>) -> Self {
        let encrypt_key = key.map(str::to_owned);
        self.sandbox.apps.push(AppSpec { app_id: APP.to_owned(), encrypt_key, ..AppSpec::default() });
        self
    }
}

impl World {
    /// Where the gateway takes the app's events.
    pub(crate) fn webhook_url(&self) -> String {
        self.url(&format!("/events/feishu/{APP}"))
    }

    /// The administrator chooses the webhook; the status says whether the console takes it.
    pub(crate) async fn choose_webhook(&self, more: &Value) -> u16 {
        let mut choice = json!({ "mode": "webhook", "url": self.webhook_url() });
        for (name, value) in more.as_object().unwrap() {
            choice[name] = value.clone();
        }
        let url = format!("{}/control/delivery", self.sandbox.base_url());
        self.http.post(url).json(&choice).send().await.unwrap().status().as_u16()
    }

    /// The administrator chooses the webhook, which the console takes.
    pub(crate) async fn deliver_by_webhook(&self) {
        assert_eq!(self.choose_webhook(&json!({})).await, 200);
    }

    /// The administrator chooses the long connection.
    pub(crate) async fn deliver_by_stream(&self) {
        self.control("delivery", &json!({ "mode": "long_connection" })).await;
    }

    /// What the platform would post of an envelope now.
    pub(crate) fn letter(&self, envelope: &Value) -> Letter {
        self.letter_later(envelope, 0)
    }

    /// What it would post so many seconds from now.
    pub(crate) fn letter_later(&self, envelope: &Value, seconds: i64) -> Letter {
        let now_ms = self.sandbox.feishu().clock.now_ms() + seconds * 1_000;
        seals(ENCRYPT_KEY).event(envelope.to_string().as_bytes(), u64::try_from(now_ms).unwrap())
    }

    /// Posts a letter to the app's webhook.
    pub(crate) async fn post_letter(&self, letter: &Letter) -> Reply {
        self.post_letter_to(&self.webhook_url(), letter).await
    }

    /// Posts a letter to some address.
    pub(crate) async fn post_letter_to(&self, url: &str, letter: &Letter) -> Reply {
        let request = self.http.post(url).header("content-type", "application/json").body(letter.body.clone());
        let headers = letter.headers.iter();
        self.send(headers.fold(request, |request, (name, value)| request.header(*name, value))).await
    }

    /// How many requests to the app's webhook ended so.
    pub(crate) async fn webhook_requests(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_webhook_requests_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")).await
    }
}

/// The platform's secrets for an app with this key.
pub(crate) fn seals(key: &str) -> Seals {
    Seals { encrypt_key: Some(key.to_owned()), verification_token: verification_token(APP) }
}
