//! Bad input, A38 to A48: what the platform answers to a code. The unit tests of `platform::feishu` read each answer;
//! here is what becomes of the question: the person is asked again or it fails, nothing is kept, the caller is told.

mod kept;
pub(crate) mod refused;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardkey_sandbox::{ALICE, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use crate::harness::{Page, World};

const READ: &[&str] = &["apaas:app:read"];

/// A token that only a scripted answer has; the leak scan looks for it.
const ACCESS: &str = "eyJ-CANARY-access-token-of-a-scripted-answer";
const REFRESH: &str = "eyJ-CANARY-refresh-token-of-a-scripted-answer";

/// A good answer of the token endpoint.
fn pair() -> Value {
    json!({
        "code": 0, "access_token": ACCESS, "expires_in": 7200, "refresh_token": REFRESH,
        "refresh_token_expires_in": 604_800, "token_type": "Bearer", "scope": "apaas:app:read offline_access"
    })
}

/// A good answer with this field instead.
fn pair_with(name: &str, value: Value) -> Value {
    let mut pair = pair();
    pair[name] = value;
    pair
}

fn body(text: &str) -> Value {
    json!({ "kind": "body", "body_text": text })
}

impl World {
    /// The token endpoint answers so, once. Not by the control API, which takes no answers of megabytes.
    fn token_endpoint(&self, action: &Value) {
        let rule = json!({ "match": { "api": "oauth_token" }, "times": 1, "action": action });
        self.sandbox.feishu().faults.add(serde_json::from_value(rule).unwrap()).unwrap();
    }

    /// The platform says that the scripted token is Alice's.
    async fn names_alice(&self) {
        let text = json!({ "code": 0, "data": { "open_id": ALICE, "tenant_key": DEFAULT_TENANT_KEY } }).to_string();
        let rule = json!({ "match": { "api": "user_info" }, "times": 1, "action": body(&text) });
        self.fault(&rule).await;
    }

    /// Alice consents, and the code is answered so. Gives the session and the page that she sees.
    async fn consents(&self, scopes: &[&str], answer: &Value) -> (String, Page) {
        let (session, link) = self.link(ALICE, scopes).await;
        self.token_endpoint(answer);
        let page = self.visit(&link, ALICE, "allow").await;
        (session, page)
    }

    async fn withdraw(&self, session: &str) {
        let reply = self.post(&format!("/v1/auth-sessions/{session}/cancel"), &json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}
