//! The whole platform folder against the sandbox, over real sockets.

use cardkey_sandbox::dingtalk::person;
use cardkey_sandbox::{
    ALICE, BOB, DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, DINGTALK_CORP_ID, DINGTALK_TEMPLATE, Options, Sandbox,
};
use serde_json::{Value, json};
use url::Url;

use super::config::{AppKind, CardOptions, OrgLogin};
use super::*;
use crate::domain::card::{Card, CodeWay, EndCard};
use crate::domain::ids::{AppId, SubjectId, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::platform::client::clients;
use crate::platform::sandbox_bench::{Bench, StoppedClock, ask_card};
use crate::platform::{PlatformCode, PlatformError, SendError};

async fn bench(change: impl FnOnce(&mut DingTalkConfig)) -> Bench {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let base = Url::parse(&sandbox.base_url()).unwrap();
    let mut config = DingTalkConfig {
        app_id: AppId::parse(DINGTALK_CLIENT_ID).unwrap(),
        app_secret: Secret::new(DINGTALK_CLIENT_SECRET.to_owned()),
        app_name: "Cardkey".to_owned(),
        open_base: base.clone(),
        login_base: base,
        corp: None,
        org_login: OrgLogin::Any,
        kind: AppKind::InHouse,
        robot_code: DINGTALK_CLIENT_ID.to_owned(),
        card: CardOptions {
            template_id: DINGTALK_TEMPLATE.to_owned(),
            include_description: true,
            custom_message: None,
            privacy_url: None,
        },
    };
    change(&mut config);
    let (_, http) = clients(None).unwrap();
    let platform = platform(config, http, (Arc::new(StoppedClock), Shelf::none()), None).unwrap();
    Bench { sandbox, asking: platform.asking().unwrap(), control: "/dingtalk/control" }
}

impl Bench {
    /// What the platform calls this person.
    fn union_id(&self, who: &str) -> SubjectId {
        let state = self.sandbox.dingtalk().world.lock();
        let found = state.people.get(state.people.find(who).unwrap());
        SubjectId::parse(person::union_id(found)).unwrap()
    }

    /// The variables of the one card that a person sees.
    async fn shown(&self, who: &str) -> Value {
        let (_, http) = clients(None).unwrap();
        let url = format!("{}/dingtalk/control/messages?open_id={who}", self.sandbox.base_url());
        let bytes = http.get(url).send().await.unwrap().bytes().await.unwrap();
        let found: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{found}");
        found["messages"][0]["card"]["variables"].clone()
    }
}

/// The person consents; the code that comes back.
async fn consented(bench: &Bench, who: &str) -> Secret {
    bench.code(who, "Contact.User.Read offline_access", "ch").await
}

fn ask() -> Card {
    Card::Ask(ask_card("Contact.User.Read", CodeWay::Redirect, false))
}

fn code(text: &str) -> PlatformCode {
    PlatformCode::clean(text)
}

#[tokio::test]
async fn every_face_is_accepted_when_sent_and_when_changed() {
    let bench = bench(|config| config.card.custom_message = Some("hi".to_owned())).await;
    let alice = bench.union_id(ALICE);
    let card_ref = bench.send(alice.as_str(), &ask(), "face").await.unwrap();
    assert_eq!(bench.shown(ALICE).await["theme"], "blue");
    let scopes = ScopeSet::from_list("Contact.User.Read");
    let end = || EndCard { requesters: vec!["<reports>".to_owned()], missing: scopes.clone(), scopes: scopes.clone() };
    for (face, theme) in [
        (Card::Granted(end()), "green"),
        (Card::Rejected(end()), "red"),
        (Card::Expired(end()), "grey"),
        (Card::Mismatched(end()), "orange"),
        (Card::Failed(end()), "carmine"),
        (Card::Cancelled(end()), "wathet"),
        (ask(), "blue"),
    ] {
        assert_eq!(bench.asking.cards.update(&card_ref, &face).await, Ok(()), "{face:?}");
        assert_eq!(bench.shown(ALICE).await["theme"], theme);
    }
}

#[tokio::test]
async fn a_uuid_is_delivered_once() {
    let bench = bench(|_| ()).await;
    let alice = bench.union_id(ALICE);
    bench.fault("card_deliver", json!({"kind": "lose_answer"})).await;
    assert_eq!(bench.send(alice.as_str(), &ask(), "same").await, Err(SendError::Platform(PlatformError::Unclear)));
    let first = bench.send(alice.as_str(), &ask(), "same").await.unwrap();
    assert_eq!(bench.send(alice.as_str(), &ask(), "same").await, Ok(first));
    bench.shown(ALICE).await;
}

#[tokio::test]
async fn who_cannot_be_reached_is_told() {
    let bench = bench(|_| ()).await;
    let unreachable = |text: &str| Err(SendError::Unreachable { code: code(text) });
    bench.control("people", &json!({"open_id": BOB, "resigned": true})).await;
    assert_eq!(bench.send(bench.union_id(BOB).as_str(), &ask(), "1").await, unreachable("not-delivered"));
    assert_eq!(bench.send("nobody", &ask(), "2").await, unreachable("not-delivered"));
    // An id that names a second place is not sent anywhere.
    let both = format!("nobody;dtv1.card//IM_ROBOT.{}", bench.union_id(ALICE));
    assert_eq!(bench.send(&both, &ask(), "3").await, unreachable("no-union-id"));
    let state = bench.sandbox.dingtalk().world.lock();
    assert!(state.messages.of(state.people.find(ALICE).unwrap(), 0).is_empty());
}

#[tokio::test]
async fn a_template_that_is_not_there_is_the_owners_matter() {
    let bench = bench(|config| config.card.template_id = "other.schema".to_owned()).await;
    let sent = bench.send(bench.union_id(ALICE).as_str(), &ask(), "1").await;
    let expected = PlatformError::Misconfigured { code: code("param.templateNotExist") };
    assert_eq!(sent, Err(SendError::Platform(expected)));
}

#[tokio::test]
async fn a_robot_that_is_not_the_apps_is_the_owners_matter() {
    let bench = bench(|config| config.robot_code = "another".to_owned()).await;
    let sent = bench.send(bench.union_id(ALICE).as_str(), &ask(), "1").await;
    let expected = PlatformError::Misconfigured { code: code("param.openDeliverModelError") };
    assert_eq!(sent, Err(SendError::Platform(expected)));
}

#[tokio::test]
async fn an_app_token_that_is_not_taken_any_more_is_fetched_anew_once() {
    let bench = bench(|_| ()).await;
    let alice = bench.union_id(ALICE);
    let dead = json!({"kind": "status", "status": 400, "body": {"code": "InvalidAuthentication"}});
    bench.fault("card_deliver", dead.clone()).await;
    bench.send(alice.as_str(), &ask(), "1").await.unwrap();
    let fetched = bench.sandbox.dingtalk().journal.wait_for(2, |entry| entry.call.api == "app_token").await;
    assert_eq!(fetched.len(), 2);
    bench.control("faults", &json!({"match": {"api": "card_deliver"}, "times": 2, "action": dead})).await;
    let expected = PlatformError::Misconfigured { code: code("InvalidAuthentication") };
    assert_eq!(bench.send(alice.as_str(), &ask(), "2").await, Err(SendError::Platform(expected)));
}

#[tokio::test]
async fn a_limited_rate_is_waited_for() {
    let bench = bench(|_| ()).await;
    let limited = json!({"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"});
    bench.fault("card_deliver", json!({"kind": "status", "status": 403, "body": limited})).await;
    bench.send(bench.union_id(ALICE).as_str(), &ask(), "1").await.unwrap();
}

#[tokio::test]
async fn a_consent_becomes_tokens_that_rotate() {
    let bench = bench(|config| config.corp = TenantKey::parse(DINGTALK_CORP_ID).ok()).await;
    let oauth = &bench.asking.oauth;
    let auth_code = consented(&bench, ALICE).await;
    let first = bench.exchange(&auth_code, "v").await.unwrap();
    assert_eq!(first.tenant.as_ref().map(TenantKey::as_str), Some(DINGTALK_CORP_ID));
    assert_eq!(oauth.identity(&first.access).await.unwrap().subject, bench.union_id(ALICE));
    let spent = code("invalidParameter.authCode.notFound");
    assert_eq!(bench.exchange(&auth_code, "v").await.err(), Some(PlatformError::Rejected { code: spent }));
    let old = first.refresh.unwrap().token;
    let second = oauth.refresh(&old).await.unwrap();
    assert!(!second.access.matches(first.access.expose()));
    assert_eq!(oauth.refresh(&old).await.err(), Some(PlatformError::Revoked { code: spent }));
    bench.control("revoke", &json!({"open_id": ALICE})).await;
    let newest = second.refresh.unwrap().token;
    assert_eq!(oauth.refresh(&newest).await.err(), Some(PlatformError::Revoked { code: spent }));
}

#[tokio::test]
async fn lost_answers_and_failures_are_told_apart() {
    let bench = bench(|_| ()).await;
    let limited = json!({"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"});
    for (action, expected) in [
        (json!({"kind": "lose_answer"}), PlatformError::Unclear),
        (json!({"kind": "drop"}), PlatformError::Unclear),
        (json!({"kind": "status", "status": 500, "body": {"code": "system.busy"}}), PlatformError::Unclear),
        (
            json!({"kind": "status", "status": 403, "body": limited}),
            PlatformError::RateLimited { after: std::time::Duration::from_secs(1) },
        ),
        (json!({"kind": "body", "body_text": "<html>"}), PlatformError::Unclear),
    ] {
        let auth_code = consented(&bench, ALICE).await;
        bench.fault("oauth_token", action.clone()).await;
        assert_eq!(bench.exchange(&auth_code, "v").await.err(), Some(expected), "{action}");
    }
}
