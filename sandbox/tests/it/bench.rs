//! A sandbox, an HTTP client and the calls that most tests make.

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{DEFAULT_APP_ID, DEFAULT_APP_SECRET, Options, Sandbox};
use reqwest::{Client, Response, redirect};
use serde_json::{Value, json};

use crate::client::soon;

pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
}

/// Status and JSON body (null if there is none).
pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { sandbox, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> (u16, Value) {
        read(self.http.get(self.url(path)).bearer_auth(bearer).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> (u16, Value) {
        read(self.http.post(self.url(path)).bearer_auth(bearer).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        let sent = self.http.post(self.url(path)).json(body).send().await.unwrap();
        let (status, answer) = read(sent).await;
        assert!(status < 300, "{path} answered {status} {answer}");
        answer
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        read(self.http.get(self.url(path)).send().await.unwrap()).await.1
    }

    pub(crate) async fn tenant_token(&self) -> String {
        let body = json!({"app_id": DEFAULT_APP_ID, "app_secret": DEFAULT_APP_SECRET});
        let (_, answer) = self.post("/open-apis/auth/v3/tenant_access_token/internal", "", &body).await;
        answer["tenant_access_token"].as_str().unwrap().to_owned()
    }

    /// A code for a person, with the challenge of [`VERIFIER`].
    pub(crate) async fn code(&self, open_id: &str, scope: &str) -> String {
        let body = json!({"open_id": open_id, "redirect_uri": REDIRECT, "scope": scope,
            "code_challenge": CHALLENGE, "code_challenge_method": "S256"});
        self.control("/control/code", &body).await["code"].as_str().unwrap().to_owned()
    }

    /// A request to the token endpoint with the default app's credentials; `extra` wins.
    pub(crate) async fn token(&self, extra: &Value) -> (u16, Value) {
        self.token_at("/oauth/v3/token", extra).await
    }

    pub(crate) async fn token_at(&self, path: &str, extra: &Value) -> (u16, Value) {
        let mut body = json!({"client_id": DEFAULT_APP_ID, "client_secret": DEFAULT_APP_SECRET});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post(path, "", &body).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> (u16, Value) {
        self.token(&exchange_body(code)).await
    }

    pub(crate) async fn refresh(&self, token: &Value) -> (u16, Value) {
        self.token(&json!({"grant_type": "refresh_token", "refresh_token": token})).await
    }

    /// A refresh, with the head of its answer.
    pub(crate) async fn token_response(&self, token: &Value) -> Response {
        let body = json!({"grant_type": "refresh_token", "refresh_token": token,
            "client_id": DEFAULT_APP_ID, "client_secret": DEFAULT_APP_SECRET});
        self.http.post(self.url("/oauth/v3/token")).json(&body).send().await.unwrap()
    }

    /// A pair of tokens for a person.
    pub(crate) async fn pair(&self, open_id: &str, scope: &str) -> Value {
        let code = self.code(open_id, scope).await;
        let (status, pair) = self.exchange(&code).await;
        assert_eq!(status, 200, "{pair}");
        pair
    }

    /// Sends a card with one button and returns the message id.
    pub(crate) async fn send_card(&self, open_id: &str) -> String {
        let token = self.tenant_token().await;
        let body = json!({"receive_id": open_id, "msg_type": "interactive", "content": card("hi").to_string()});
        let (status, answer) = self.post(CREATE, &token, &body).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["message_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the log has an entry that fits; fails the test instead of hanging.
    pub(crate) async fn seen(&self, wanted: impl Fn(&Entry) -> bool) -> Entry {
        let journal = &self.sandbox.feishu().journal;
        soon(journal.wait_for(1, wanted)).await.remove(0)
    }

    pub(crate) async fn advance(&self, ms: i64) {
        self.control("/control/clock", &json!({"advance_ms": ms})).await;
    }
}

pub(crate) const CREATE: &str = "/open-apis/im/v1/messages?receive_id_type=open_id";

pub(crate) fn exchange_body(code: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER})
}

pub(crate) fn card(text: &str) -> Value {
    json!({"schema": "2.0", "config": {"update_multi": true}, "body": {"elements": [
        {"tag": "markdown", "content": text},
        {"tag": "button", "text": {"tag": "plain_text", "content": "Go"}, "type": "primary", "name": "go",
         "behaviors": [{"type": "callback", "value": {"act": "go"}}]}]}})
}
