//! Against the sandbox, which was written from the platform's documents and not from this code.

use std::sync::Arc;
use std::time::Duration;

use cardkey_sandbox::wechat::phone::{self, Wrong};
use cardkey_sandbox::{ALICE, BOB, Options, Sandbox, WECHAT_APP_ID, WECHAT_APP_SECRET};
use futures_util::future::join_all;
use serde_json::{Value, json};
use url::Url;

use super::config::WeChatConfig;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::{AppId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::app_token::Shelf;
use crate::platform::client::{http_client, rustls_config};
use crate::platform::{
    BadCode, Identities, LoggedIn, LoginError, PlatformCode, PlatformError, Sealed, ShareCode, Signed,
};

/// The sandbox's clock.
struct Same(Arc<Sandbox>);

impl Clock for Same {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.wechat().clock.now_ms() * 1000)
    }
}

struct Bench {
    sandbox: Arc<Sandbox>,
    identities: Arc<dyn Identities>,
    http: reqwest::Client,
}

impl Bench {
    async fn new() -> Self {
        Self::with_secret(WECHAT_APP_SECRET).await
    }

    async fn with_secret(secret: &str) -> Self {
        let sandbox = Arc::new(Sandbox::start(Options::default()).await.unwrap());
        let http = http_client(&rustls_config(None).unwrap()).unwrap();
        let config = WeChatConfig {
            app_id: AppId::parse(WECHAT_APP_ID).unwrap(),
            app_secret: Secret::new(secret.to_owned()),
            app_name: "Mini".to_owned(),
            base: Url::parse(&sandbox.base_url()).unwrap(),
        };
        let clock = Arc::new(Same(Arc::clone(&sandbox)));
        let platform = super::platform(config, http.clone(), (clock, Shelf::none())).unwrap();
        assert!(
            platform.asking().is_none() && platform.stream.is_none(),
            "it pretends to no user tokens and no events"
        );
        Self { sandbox, identities: platform.identities.unwrap(), http }
    }

    fn code(&self, person: &str) -> Secret {
        let wechat = self.sandbox.wechat();
        let person = wechat.world.lock().people.find(person).unwrap();
        Secret::new(phone::login(wechat, WECHAT_APP_ID, person))
    }

    fn phone_code(&self, person: &str) -> Secret {
        let wechat = self.sandbox.wechat();
        let person = wechat.world.lock().people.find(person).unwrap();
        Secret::new(phone::phone_number(wechat, WECHAT_APP_ID, person))
    }

    fn user_info(&self, person: &str) -> Value {
        let wechat = self.sandbox.wechat();
        let person = wechat.world.lock().people.find(person).unwrap();
        phone::user_info(wechat, WECHAT_APP_ID, person, &Wrong::default()).unwrap()
    }

    async fn log_in(&self, person: &str) -> LoggedIn {
        self.identities.log_in(&self.code(person)).await.unwrap()
    }

    fn now(&self) -> Timestamp {
        Same(Arc::clone(&self.sandbox)).now()
    }

    async fn control(&self, path: &str, body: &Value) {
        let url = format!("{}/wechat/control/{path}", self.sandbox.base_url());
        assert!(self.http.post(url).json(body).send().await.unwrap().status().is_success(), "{path}");
    }

    async fn kill_tokens(&self) {
        let url = format!("{}/wechat/control/tokens", self.sandbox.base_url());
        assert!(self.http.delete(url).send().await.unwrap().status().is_success());
    }

    fn calls(&self, api: &str) -> usize {
        self.sandbox.wechat().journal.read(0, |entry| entry.call.api == api).len()
    }
}

#[tokio::test]
async fn a_code_names_its_person_once_and_for_five_minutes() {
    let bench = Bench::new().await;
    let code = bench.code(ALICE);
    let alice = bench.identities.log_in(&code).await.unwrap();
    assert!(alice.subject.as_str().starts_with('o') && alice.subject.as_str().len() == 28);
    assert!(alice.union.is_some());
    assert_eq!(bench.identities.log_in(&code).await.unwrap_err(), LoginError::Code(BadCode::Used));
    let late = bench.code(ALICE);
    bench.sandbox.wechat().clock.advance(Duration::from_secs(301));
    let unknown = LoginError::Code(BadCode::Unknown);
    assert_eq!(bench.identities.log_in(&late).await.unwrap_err(), unknown);
    assert_eq!(bench.identities.log_in(&Secret::new("x y&appid=z".to_owned())).await.unwrap_err(), unknown);
    assert_eq!(bench.identities.log_in(&bench.phone_code(ALICE)).await.unwrap_err(), unknown, "another kind of code");
    let (again, bob) = (bench.log_in(ALICE).await, bench.log_in(BOB).await);
    assert_eq!(again.subject, alice.subject);
    assert!(!again.session.matches(alice.session.expose()), "a login gives another key");
    assert_ne!(bob.subject, alice.subject);
}

#[tokio::test]
async fn what_the_client_is_given_opens_with_the_key_of_its_time() {
    let bench = Bench::new().await;
    let before = bench.log_in(ALICE).await;
    let given = bench.user_info(ALICE);
    let text = |name: &str| given[name].as_str().unwrap();
    let sealed = Sealed { data: text("encrypted_data"), iv: text("iv") };
    let signed = Signed { text: text("raw_data"), signature: text("signature") };
    let opened = bench.identities.open(&sealed, &before.session, &before.subject, bench.now()).unwrap();
    assert_eq!(opened["openId"], before.subject.as_str());
    assert_eq!(opened["unionId"], before.union.unwrap().as_str());
    assert_eq!(bench.identities.read(&signed, &before.session).unwrap()["nickName"], opened["nickName"]);
    let after = bench.log_in(ALICE).await;
    assert!(bench.identities.open(&sealed, &after.session, &after.subject, bench.now()).is_err());
    assert!(bench.identities.read(&signed, &after.session).is_err());
    let bob = bench.log_in(BOB).await;
    assert!(bench.identities.open(&sealed, &before.session, &bob.subject, bench.now()).is_err());
}

#[tokio::test]
async fn a_session_is_proven_and_renewed() {
    let bench = Bench::new().await;
    let first = bench.log_in(ALICE).await;
    let second = bench.log_in(ALICE).await;
    let (subject, identities) = (&second.subject, &bench.identities);
    assert_eq!(identities.is_session(subject, &second.session).await, Ok(true));
    assert_eq!(identities.is_session(subject, &first.session).await, Ok(false));
    assert!(identities.renew_session(subject, &first.session).await.unwrap().is_none());
    let third = identities.renew_session(subject, &second.session).await.unwrap().unwrap();
    assert_eq!(identities.is_session(subject, &second.session).await, Ok(false));
    assert_eq!(identities.is_session(subject, &third).await, Ok(true));
    let nobody = SubjectId::parse("onobody").unwrap();
    assert_eq!(identities.is_session(&nobody, &third).await, Ok(false));
    assert_eq!(bench.calls("stable_token"), 1, "one token for all of it");
}

#[tokio::test]
async fn a_phone_number_is_the_persons_who_logged_in() {
    let bench = Bench::new().await;
    let (alice, bob) = (bench.log_in(ALICE).await, bench.log_in(BOB).await);
    let code = bench.phone_code(ALICE);
    let refused = bench.identities.phone_number(&code, &bob.subject).await.unwrap_err();
    assert_eq!(refused, LoginError::Code(BadCode::Unknown));
    let phone = bench.identities.phone_number(&code, &alice.subject).await.unwrap();
    assert_eq!(phone.number.expose(), format!("+86{}", phone.national.expose()));
    assert_eq!(phone.country_code, "86");
    let again = bench.identities.phone_number(&code, &alice.subject).await.unwrap_err();
    assert_eq!(again, LoginError::Code(BadCode::Used));
}

#[tokio::test]
async fn the_apps_token_is_fetched_once_by_all_and_again_when_it_is_dead() {
    let bench = Bench::new().await;
    let alice = bench.log_in(ALICE).await;
    let asked = (0..50).map(|_| bench.identities.is_session(&alice.subject, &alice.session));
    assert!(join_all(asked).await.into_iter().all(|live| live == Ok(true)));
    assert_eq!(bench.calls("stable_token"), 1);
    bench.kill_tokens().await;
    assert_eq!(bench.identities.is_session(&alice.subject, &alice.session).await, Ok(true));
    assert_eq!(bench.calls("stable_token"), 2);
    bench.sandbox.wechat().clock.advance(Duration::from_secs(6901));
    assert_eq!(bench.identities.is_session(&alice.subject, &alice.session).await, Ok(true));
    assert_eq!(bench.calls("stable_token"), 3, "five minutes before its end it is not used any more");
}

#[tokio::test]
async fn a_picture_and_a_refusal_are_told_apart() {
    let bench = Bench::new().await;
    let picture = bench.identities.share_code(&ShareCode { scene: "a1", page: None, width: None }).await.unwrap();
    assert_eq!(picture.media_type, "image/jpeg");
    assert!(picture.bytes.starts_with(b"\xff\xd8\xff") && picture.bytes.ends_with(b"\xff\xd9"));
    let another = ShareCode { scene: "a1", page: Some("pages/login/login"), width: Some(280) };
    assert!(bench.identities.share_code(&another).await.is_ok());
    for (wanted, code) in [
        (ShareCode { scene: "a b", page: None, width: None }, 40_129),
        (ShareCode { scene: &"a".repeat(33), page: None, width: None }, 40_169),
        (ShareCode { scene: "a", page: Some("pages/none"), width: None }, 41_030),
        (ShareCode { scene: "a", page: None, width: Some(10) }, 40_189),
    ] {
        let refused = bench.identities.share_code(&wanted).await.unwrap_err();
        assert_eq!(refused, PlatformError::Rejected { code: PlatformCode::from(code) });
    }
}

#[tokio::test]
async fn the_app_is_at_fault_where_it_is() {
    let bench = Bench::with_secret("wrong").await;
    let misconfigured = |code: i64| PlatformError::Misconfigured { code: PlatformCode::from(code) };
    assert_eq!(bench.identities.log_in(&bench.code(ALICE)).await.unwrap_err(), misconfigured(40_125).into());
    let picture = ShareCode { scene: "a", page: None, width: None };
    assert_eq!(bench.identities.share_code(&picture).await.unwrap_err(), misconfigured(40_125));
    let bench = Bench::new().await;
    bench.control("address", &json!({"refused": true})).await;
    assert_eq!(bench.identities.share_code(&picture).await.unwrap_err(), misconfigured(40_164));
    assert!(bench.identities.log_in(&bench.code(ALICE)).await.is_ok(), "logins need no app token");
}

#[tokio::test]
async fn trouble_on_the_way_is_told_from_the_platforms_word() {
    let bench = Bench::new().await;
    let body = |errcode: i64| json!({"kind": "status", "status": 200, "body": {"errcode": errcode, "errmsg": "x"}});
    for (row, action, expected) in [
        ("busy", body(-1), LoginError::from(PlatformError::Unavailable)),
        ("throttled", body(45_011), LoginError::TooOften { after: Duration::from_mins(1) }),
        ("blocked", body(40_226), LoginError::Blocked),
        ("lost", json!({"kind": "lose_answer"}), PlatformError::Unclear.into()),
        ("cut", json!({"kind": "drop"}), PlatformError::Unclear.into()),
        ("a page", json!({"kind": "body", "body_text": "<html>"}), PlatformError::Unclear.into()),
        ("no key", json!({"kind": "body", "body_text": "{\"openid\":\"o1\"}"}), PlatformError::Unclear.into()),
        (
            "a short key",
            json!({"kind": "body", "body_text": "{\"openid\":\"o1\",\"session_key\":\"AAAA\"}"}),
            PlatformError::Unclear.into(),
        ),
    ] {
        bench.control("faults", &json!({"match": {"api": "code_to_session"}, "times": 1, "action": action})).await;
        assert_eq!(bench.identities.log_in(&bench.code(ALICE)).await.unwrap_err(), expected, "{row}");
    }
}
