//! A mini-program's people through the API: who a login code stands for, what comes with it, and what is refused.

mod bad_input;
mod kept;
mod logging_in;
pub(crate) mod page;

use cardkey_sandbox::{WECHAT_APP_ID, WECHAT_APP_SECRET};
use serde_json::{Value, json};

use crate::harness::{Reply, Setup, World};

const IDENTITIES: &str = "cardkey:identities";

/// A world with a mini-program, whose caller may ask who logs in.
pub(crate) async fn world() -> World {
    let mut world = World::with(Setup::mini_program()).await;
    world.key = world.new_key("expenses", &[WECHAT_APP_ID], IDENTITIES).await;
    assert!(world.sandbox.secrets().iter().any(|secret| secret == WECHAT_APP_SECRET), "it is looked for");
    world
}

fn path(rest: &str) -> String {
    format!("/v1/identities/wechat/{WECHAT_APP_ID}{rest}")
}

impl World {
    /// The platform's control API.
    async fn weixin(&self, place: &str, body: &Value) -> Value {
        let url = format!("{}/wechat/control/{place}", self.sandbox.base_url());
        let response = self.http.post(url).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{place}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A login code of this person.
    async fn login_code(&self, person: &str) -> String {
        self.weixin("login", &json!({ "open_id": person })).await["code"].as_str().unwrap().to_owned()
    }

    /// What the person's client is given about its user.
    async fn user_info(&self, person: &str, wrong: &Value) -> Value {
        self.weixin("user_info", &json!({ "open_id": person, "wrong": wrong })).await
    }

    /// `POST /v1/identities/…` with this body.
    async fn identify(&self, body: &Value) -> Reply {
        self.post(&path(""), body).await
    }

    /// The same with a new code of the person's, and these fields besides.
    async fn log_in(&self, person: &str, more: &Value) -> Reply {
        let mut body = json!({ "code": self.login_code(person).await });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.identify(&body).await
    }

    /// The next calls to one of the platform's interfaces meet this.
    async fn weixin_fault(&self, api: &str, action: &Value) {
        self.weixin("faults", &json!({ "match": { "api": api }, "times": 1, "action": action })).await;
    }

    /// How often the platform was called at this interface.
    fn weixin_calls(&self, api: &str) -> usize {
        self.sandbox.wechat().journal.read(0, |entry| entry.call.api == api).len()
    }

    /// How many logins ended so, by the gateway's own count.
    async fn logins(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_identity_total{{app_id=\"{WECHAT_APP_ID}\",outcome=\"{outcome}\"}}")).await
    }
}
