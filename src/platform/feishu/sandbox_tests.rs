//! Against the sandbox, which was written from the platform's documents and not from this code: it checks our cards,
//! PKCE, scopes, rotation and limits by its own rules.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cardkey_sandbox::{
    ALICE, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY, Lifetimes, Options, Sandbox,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::domain::card::{Card, CodeWay, EndCard};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::platform::client::{self, http_client, rustls_config};
use crate::platform::sandbox_bench::{Bench, StoppedClock, ask_card};
use crate::platform::{DevicePoll, PlatformError, SendError};
use config::{CardOptions, OAuthVersion};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn bench(options: Options, card: CardOptions) -> Bench {
    let sandbox = Sandbox::start(options).await.unwrap();
    let base = Url::parse(&sandbox.base_url()).unwrap();
    let config = FeishuConfig {
        app_id: AppId::parse(DEFAULT_APP_ID).unwrap(),
        app_secret: Secret::new(DEFAULT_APP_SECRET.to_owned()),
        app_name: "Cardkey".to_owned(),
        open_base: base.clone(),
        accounts_base: base,
        oauth_version: OAuthVersion::V3,
        card,
    };
    let http = http_client(&rustls_config(None).unwrap()).unwrap();
    let platform = platform(config, http, (Arc::new(StoppedClock), Shelf::none()), (None, None)).unwrap();
    Bench { sandbox, asking: platform.asking().unwrap(), control: "/control" }
}

/// The person consents; the code that comes back.
async fn consented(bench: &Bench, person: &str) -> Secret {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    bench.code(person, "auth:user.id:read im:message", &URL_SAFE_NO_PAD.encode(digest)).await
}

fn end() -> EndCard {
    let scopes = ScopeSet::from_list("im:message offline_access");
    EndCard { requesters: vec!["<reports>".to_owned()], missing: scopes.clone(), scopes }
}

fn ask(code_way: CodeWay) -> Card {
    Card::Ask(ask_card("im:message offline_access", code_way, true))
}

#[tokio::test]
async fn every_face_is_accepted_when_sent_and_when_changed() {
    let device = CodeWay::Device { user_code: "ABCD-1234".to_owned() };
    let asks = [ask(CodeWay::Redirect), ask(CodeWay::Paste), ask(device)];
    let ends = [Card::Granted, Card::Rejected, Card::Expired, Card::Mismatched, Card::Failed, Card::Cancelled];
    let faces: Vec<Card> = asks.into_iter().chain(ends.into_iter().map(|face| face(end()))).collect();
    let privacy_url = Url::parse("https://example.com/privacy").ok();
    let detailed = CardOptions { privacy_url, ..CardOptions::default() };
    let concise = CardOptions { include_description: false, custom_message: Some("hi".to_owned()), ..detailed.clone() };
    let template = CardOptions { template_id: Some("AAqk1".to_owned()), ..concise.clone() };
    for options in [detailed, concise, template] {
        let bench = bench(Options { rate_limits: false, ..Options::default() }, options).await;
        for (number, face) in faces.iter().enumerate() {
            let card_ref = bench.send(ALICE, face, &format!("uuid-{number}")).await.unwrap();
            assert_eq!(bench.asking.cards.update(&card_ref, face).await, Ok(()), "{face:?}");
        }
    }
}

#[tokio::test]
async fn a_uuid_is_delivered_once() {
    let bench = bench(Options::default(), CardOptions::default()).await;
    bench.fault("messages_create", json!({"kind": "lose_answer"})).await;
    let face = ask(CodeWay::Redirect);
    let unclear = Err(SendError::Platform(PlatformError::Unclear));
    assert_eq!(bench.send(ALICE, &face, "same").await, unclear);
    let first = bench.send(ALICE, &face, "same").await.unwrap();
    assert_eq!(bench.send(ALICE, &face, "same").await, Ok(first));
}

#[tokio::test]
async fn who_cannot_be_reached_is_told() {
    let bench = bench(Options::default(), CardOptions::default()).await;
    let face = ask(CodeWay::Redirect);
    bench.control("people", &json!({"open_id": BOB, "available": false})).await;
    assert_eq!(bench.send(BOB, &face, "1").await, Err(SendError::Unreachable { code: 230_013.into() }));
    assert_eq!(bench.send("ou_nobody", &face, "2").await, Err(SendError::Unreachable { code: 99_992_351.into() }));
    bench.control("apps", &json!({"app_id": DEFAULT_APP_ID, "bot": false})).await;
    assert_eq!(bench.send(ALICE, &face, "3").await, Err(SendError::Unreachable { code: 230_006.into() }));
}

#[tokio::test]
async fn a_consent_becomes_tokens_that_rotate() {
    let bench = bench(Options::default(), CardOptions::default()).await;
    let oauth = &bench.asking.oauth;
    let code = consented(&bench, ALICE).await;
    let first = bench.exchange(&code, VERIFIER).await.unwrap();
    assert_eq!(first.scopes, ScopeSet::from_list("auth:user.id:read im:message offline_access"));
    let person = oauth.identity(&first.access).await.unwrap();
    assert_eq!((person.subject.as_str(), person.tenant.unwrap().as_str()), (ALICE, DEFAULT_TENANT_KEY));
    assert_eq!(bench.exchange(&code, VERIFIER).await.err(), Some(PlatformError::Rejected { code: 20065.into() }));
    let old = first.refresh.unwrap().token;
    let second = oauth.refresh(&old).await.unwrap();
    assert!(!second.access.matches(first.access.expose()));
    assert_eq!(oauth.refresh(&old).await.err(), Some(PlatformError::Revoked { code: 20073.into() }));
    let newest = second.refresh.unwrap().token;
    assert_eq!(oauth.revoke(&newest).await, Ok(()));
    assert_eq!(oauth.revoke(&newest).await, Ok(()));
    assert_eq!(oauth.refresh(&newest).await.err(), Some(PlatformError::Revoked { code: 20064.into() }));
    assert!(matches!(oauth.identity(&second.access).await.err(), Some(PlatformError::Revoked { .. })));
}

#[tokio::test]
async fn lost_answers_and_failures_are_told_apart() {
    let bench = bench(Options::default(), CardOptions::default()).await;
    for (action, expected) in [
        (json!({"kind": "lose_answer"}), PlatformError::Unclear),
        (json!({"kind": "drop"}), PlatformError::Unclear),
        (json!({"kind": "status", "status": 500, "body": {"code": 20050}}), PlatformError::Unclear),
        (json!({"kind": "status", "status": 503, "body": {"code": 20072}}), PlatformError::Unavailable),
        (json!({"kind": "body", "body_text": "<html>"}), PlatformError::Unclear),
    ] {
        let code = consented(&bench, ALICE).await;
        bench.fault("oauth_token", action.clone()).await;
        assert_eq!(bench.exchange(&code, VERIFIER).await.err(), Some(expected), "{action}");
    }
}

#[tokio::test]
async fn a_device_is_authorized() {
    let lifetimes = Lifetimes { device_interval_s: 0, ..Lifetimes::default() };
    let bench = bench(Options { lifetimes, ..Options::default() }, CardOptions::default()).await;
    let oauth = &bench.asking.oauth;
    let scopes = ScopeSet::from_list("im:message");
    let (flow, _) = oauth.device_start(&scopes, Timestamp::from_secs(0)).await.unwrap().unwrap();
    assert!(matches!(oauth.device_poll(&flow.device_code).await, Ok(DevicePoll::Pending)));
    bench.control("device", &json!({"user_code": flow.user_code, "open_id": BOB, "decision": "allow"})).await;
    let Ok(DevicePoll::Granted(answer)) = oauth.device_poll(&flow.device_code).await else {
        panic!("the person has agreed")
    };
    assert_eq!(oauth.identity(&answer.access).await.unwrap().subject.as_str(), BOB);
    assert!(matches!(oauth.device_poll(&flow.device_code).await, Ok(DevicePoll::Gone)));
    let (refused, _) = oauth.device_start(&scopes, Timestamp::from_secs(0)).await.unwrap().unwrap();
    bench.control("device", &json!({"user_code": refused.user_code, "open_id": BOB, "decision": "deny"})).await;
    assert!(matches!(oauth.device_poll(&refused.device_code).await, Ok(DevicePoll::Denied)));
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let options = Options { tls: true, ca_out: Some(ca_file.clone()), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let get = async |ca_file: Option<&std::path::Path>| {
        let http = http_client(&rustls_config(ca_file).unwrap()).unwrap();
        let limits = client::Limits::within(Duration::from_secs(30));
        client::call(http.get(sandbox.base_url()), limits).await.map(|_| ())
    };
    assert_eq!(get(Some(&ca_file)).await, Ok(()));
    assert_eq!(get(None).await, Err(client::NoAnswer::NotSent));
}

/// Slow in real time: the platform's own limit is what it waits for.
#[tokio::test]
#[ignore = "takes half a minute"]
async fn a_thousand_cards_at_once_all_arrive() {
    let bench = bench(Options { generated_people: 1000, ..Options::default() }, CardOptions::default()).await;
    let http = http_client(&rustls_config(None).unwrap()).unwrap();
    let people = http.get(format!("{}/control/people", bench.sandbox.base_url())).send().await.unwrap();
    let people: Vec<Value> = serde_json::from_slice(&people.bytes().await.unwrap()).unwrap();
    let ids: Vec<&str> =
        people.iter().filter_map(|person| person["open_ids"][DEFAULT_APP_ID].as_str()).take(1000).collect();
    assert_eq!(ids.len(), 1000);
    let face = ask(CodeWay::Redirect);
    let start = tokio::time::Instant::now();
    let sent = join_all(ids.iter().map(|id| bench.send(id, &face, id))).await;
    let failed: Vec<_> = sent.iter().filter(|sent| sent.is_err()).collect();
    assert!(failed.is_empty(), "{} failed, e.g. {:?}", failed.len(), failed.first());
    assert!(start.elapsed() < Duration::from_secs(50), "{:?}", start.elapsed());
}
