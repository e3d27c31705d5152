//! What the tests of each platform's folder against the sandbox share: an app in it, the sandbox's control API, and a person who
//! consents.

use cardkey_sandbox::Sandbox;
use serde_json::{Value, json};
use url::Url;

use super::client::clients;
use super::{Asking, AuthorizeRequest, CodeExchange, PlatformError, SendError};
use crate::domain::auth_session::AuthSessionId;
use crate::domain::card::{AskCard, Card, CardRef, CodeWay};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::SubjectId;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::TokenAnswer;

const REDIRECT_URI: &str = "https://gw.example/callback";

/// A clock that stands still.
pub(super) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_800_000_000)
    }
}

/// A sandbox and our app in it.
pub(super) struct Bench {
    pub(super) sandbox: Sandbox,
    pub(super) asking: Asking,
    /// The path below which the platform is controlled.
    pub(super) control: &'static str,
}

impl Bench {
    pub(super) async fn control(&self, path: &str, body: &Value) -> Value {
        let (_, http) = clients(None).unwrap();
        let url = format!("{}{}/{path}", self.sandbox.base_url(), self.control);
        let response = http.post(url).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
    }

    pub(super) async fn fault(&self, api: &str, action: Value) {
        self.control("faults", &json!({"match": {"api": api}, "times": 1, "action": action})).await;
    }

    /// The person consents; the code that comes back.
    pub(super) async fn code(&self, person: &str, scopes: &str, challenge: &str) -> Secret {
        let (state, scopes) = (Secret::new("st".to_owned()), ScopeSet::from_list(scopes));
        let request = AuthorizeRequest { redirect_uri: REDIRECT_URI, state: &state, challenge, scopes: &scopes };
        let url = self.asking.oauth.authorize_url(&request);
        let asked = json!({"authorize_url": url.expose(), "open_id": person, "decision": "allow"});
        let location = self.control("consent", &asked).await["location"].as_str().unwrap().to_owned();
        let location = Url::parse(&location).unwrap();
        let find =
            |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(find("state").as_deref(), Some("st"));
        let names = self.asking.oauth.code_names();
        Secret::new(names.iter().find_map(|name| find(name)).unwrap())
    }

    pub(super) async fn exchange(&self, code: &Secret, verifier: &str) -> Result<TokenAnswer, PlatformError> {
        let verifier = Secret::new(verifier.to_owned());
        self.asking.oauth.exchange(CodeExchange { code, verifier: &verifier, redirect_uri: REDIRECT_URI }).await
    }

    pub(super) async fn send(&self, to: &str, face: &Card, uuid: &str) -> Result<CardRef, SendError> {
        self.asking.cards.send(&SubjectId::parse(to).unwrap(), face, uuid).await
    }
}

/// A question with texts that would be markup.
pub(super) fn ask_card(scopes: &str, code_way: CodeWay, again: bool) -> AskCard {
    AskCard {
        auth_session: AuthSessionId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        requesters: vec!["<reports>".to_owned()],
        reason: Some("**weekly** report".to_owned()),
        scopes: ScopeSet::from_list(scopes),
        expires_at: Timestamp::from_secs(1_800_000_600),
        link: Secret::new("https://gw.example/go/abc?x=1&y=2".to_owned()),
        code_way,
        again,
    }
}
