//! User tokens against a real socket: what goes out, and every way an answer can be wrong (A38 to A48 are the
//! rows of our list of bad input).

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::api::Times;
use super::config::{CardOptions, OAuthVersion};
use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::TokenAnswer;
use crate::platform::client::{http_client, rustls_config};
use crate::platform::fake_server::{FakeServer, Reply, closed_port, json, text, with_headers};
use crate::platform::{AuthorizeRequest, CodeExchange, DevicePoll, OAuth as _, PlatformCode, PlatformError};

pub(super) fn config(base: &Url) -> FeishuConfig {
    FeishuConfig {
        app_id: AppId::parse("cli_a1b2c3d4e5f60718").unwrap(),
        app_secret: Secret::new("s3cr&t=".to_owned()),
        app_name: "Cardkey".to_owned(),
        open_base: base.clone(),
        accounts_base: base.clone(),
        oauth_version: OAuthVersion::V3,
        card: CardOptions::default(),
    }
}

pub(super) fn api(config: &FeishuConfig) -> Api {
    Api::new(http_client(&rustls_config(None).unwrap()).unwrap(), config)
}

fn oauth(base: &Url) -> FeishuOAuth {
    let config = config(base);
    FeishuOAuth::new(Arc::new(api(&config)), Arc::new(config))
}

fn impatient(base: &Url) -> FeishuOAuth {
    let config = config(base);
    let mut api = api(&config);
    let short = Duration::from_millis(100);
    api.times = Times { token: short, refresh: short, other: short };
    FeishuOAuth::new(Arc::new(api), Arc::new(config))
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn exchange(oauth: &FeishuOAuth) -> Result<TokenAnswer, PlatformError> {
    let (code, verifier) = (secret("c0de"), secret("verifier"));
    let redirect_uri = "https://gw.example/callback?x=1&y=2";
    oauth.exchange(CodeExchange { code: &code, verifier: &verifier, redirect_uri }).await
}

fn pair() -> Value {
    json!({
        "code": 0, "access_token": "eyJa", "expires_in": 7200, "refresh_token": "eyJr",
        "refresh_token_expires_in": 604_800, "token_type": "Bearer", "scope": "a offline_access"
    })
}

async fn exchange_answered(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Result<TokenAnswer, PlatformError> {
    let server = FakeServer::start(move |_, _| answer()).await;
    let outcome = exchange(&oauth(&server.base)).await;
    assert_eq!(server.seen().len(), 1, "a code is sent once");
    outcome
}

#[test]
fn the_authorize_url_is_complete() {
    let (state, scopes) = (secret("st-ate"), ScopeSet::from_list("im:message a"));
    let request = AuthorizeRequest {
        redirect_uri: "https://gw.example/callback?x=1&y=2",
        state: &state,
        challenge: "ch",
        scopes: &scopes,
    };
    let url = oauth(&Url::parse("https://accounts.feishu.cn").unwrap()).authorize_url(&request);
    insta::assert_snapshot!(url.expose(), @"https://accounts.feishu.cn/open-apis/authen/v1/authorize?client_id=cli_a1b2c3d4e5f60718&response_type=code&redirect_uri=https%3A%2F%2Fgw.example%2Fcallback%3Fx%3D1%26y%3D2&scope=a+im%3Amessage+offline_access&state=st-ate&code_challenge=ch&code_challenge_method=S256&prompt=consent");
}

#[tokio::test]
async fn a_code_is_exchanged_at_either_version() {
    for (version, path) in
        [(OAuthVersion::V3, "/oauth/v3/token"), (OAuthVersion::V2, "/open-apis/authen/v2/oauth/token")]
    {
        let server = FakeServer::start(|_, _| json(200, &pair())).await;
        let mut config = config(&server.base);
        config.oauth_version = version;
        let oauth = FeishuOAuth::new(Arc::new(api(&config)), Arc::new(config));
        let answer = exchange(&oauth).await.unwrap();
        assert!(answer.access.matches("eyJa"));
        assert_eq!(answer.scopes.to_string(), "a offline_access");
        let seen = server.seen().remove(0);
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", path));
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(seen.header("authorization"), None, "two ways of authentication at once are refused (20070)");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "c0de"),
            ("redirect_uri", "https://gw.example/callback?x=1&y=2"),
            ("code_verifier", "verifier"),
            ("client_id", "cli_a1b2c3d4e5f60718"),
            ("client_secret", "s3cr&t="),
        ];
        assert_eq!(seen.form(), fields.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}

#[tokio::test]
async fn a_refresh_token_is_spent() {
    let server = FakeServer::start(|_, _| json(200, &pair())).await;
    let answer = oauth(&server.base).refresh(&secret("old")).await.unwrap();
    assert!(answer.refresh.unwrap().token.matches("eyJr"));
    let form = server.seen().remove(0).form();
    assert_eq!(form[0], ("grant_type".to_owned(), "refresh_token".to_owned()));
    assert_eq!(form[1], ("refresh_token".to_owned(), "old".to_owned()));
    assert_eq!(form.len(), 4);
}

#[tokio::test]
async fn a38_success_with_a_code_is_a_refusal() {
    let outcome = exchange_answered(|| json(200, &json!({"code": 20065, "msg": "used"}))).await;
    assert_eq!(outcome.err(), Some(PlatformError::Rejected { code: 20065.into() }));
    let mut with_tokens = pair();
    with_tokens["code"] = 20003.into();
    let outcome = exchange_answered(move || json(200, &with_tokens)).await;
    assert_eq!(outcome.err(), Some(PlatformError::Rejected { code: 20003.into() }));
}

#[tokio::test]
async fn a39_access_only_is_an_answer() {
    let mut answer = pair();
    answer.as_object_mut().unwrap().retain(|key, _| !key.starts_with("refresh"));
    answer["code"] = "0".into();
    assert!(exchange_answered(move || json(200, &answer)).await.unwrap().refresh.is_none());
}

#[tokio::test]
async fn a42_to_a45_an_unusable_pair_is_unclear() {
    for (id, key, value) in [
        ("A42", "expires_in", json!(0)),
        ("A42", "expires_in", json!(-1)),
        ("A42", "expires_in", json!(1e18)),
        ("A42", "expires_in", json!("soon")),
        ("A42", "expires_in", json!(7200.5)),
        ("A43", "access_token", json!("a\r\nX-Evil: 1")),
        ("A43", "refresh_token", json!("tökén")),
        ("A44", "access_token", json!("x".repeat(64 * 1024))),
        ("A44", "refresh_token", json!("x".repeat(9 * 1024))),
        ("A45", "token_type", json!("DPoP")),
    ] {
        let mut answer = pair();
        answer[key] = value.clone();
        let outcome = exchange_answered(move || json(200, &answer)).await;
        assert_eq!(outcome.err(), Some(PlatformError::Unclear), "{id} {key}");
    }
}

#[tokio::test]
async fn a46_a_body_that_is_no_json_object_is_unclear() {
    let pair = pair().to_string();
    let twice = pair.replacen('{', r#"{"access_token":"eyJother","#, 1);
    for (what, body) in [
        ("empty", String::new()),
        ("HTML", "<html>502</html>".to_owned()),
        ("BOM", format!("\u{feff}{pair}")),
        ("trailing garbage", format!("{pair}garbage")),
        ("two objects", format!("{pair}{pair}")),
        ("array", format!("[{pair}]")),
        ("duplicate keys", twice),
        ("10 MB", format!("{pair}{}", " ".repeat(10 * 1024 * 1024))),
    ] {
        let outcome = exchange_answered(move || text(200, &body)).await;
        assert_eq!(outcome.err(), Some(PlatformError::Unclear), "{what}");
    }
    let bomb = include_bytes!("../../../tests/fixtures/http/bomb.json.gz");
    let outcome = exchange_answered(|| with_headers(200, &[("content-encoding", "gzip")], bomb.to_vec())).await;
    assert_eq!(outcome.err(), Some(PlatformError::Unclear), "gzip bomb");
}

#[tokio::test]
async fn a47_a_redirect_is_not_followed() {
    let elsewhere = FakeServer::start(|_, _| json(200, &pair())).await;
    let target = elsewhere.base.to_string();
    for status in [301, 302, 307, 308] {
        let target = target.clone();
        let outcome = exchange_answered(move || with_headers(status, &[("location", &target)], Vec::new())).await;
        assert_eq!(outcome.err(), Some(PlatformError::Unclear), "{status}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a48_an_answer_that_comes_too_late_is_unclear() {
    let silent = FakeServer::start(|_, _| Reply::Never).await;
    assert_eq!(exchange(&impatient(&silent.base)).await.err(), Some(PlatformError::Unclear));
    let hanging_up = FakeServer::hanging_up().await;
    let outcome = oauth(&hanging_up.base).refresh(&secret("r")).await;
    assert_eq!(outcome.err(), Some(PlatformError::Unclear));
}

#[tokio::test]
async fn what_was_not_sent_is_only_unavailable() {
    let oauth = oauth(&closed_port().await);
    assert_eq!(exchange(&oauth).await.err(), Some(PlatformError::Unavailable));
    assert_eq!(oauth.refresh(&secret("r")).await.err(), Some(PlatformError::Unavailable));
}

#[tokio::test]
async fn a_limited_rate_is_told_with_its_wait() {
    let reset = [("x-ogw-ratelimit-reset", "7")];
    for status in [429, 400] {
        let body = br#"{"code":99991400,"msg":"limit"}"#;
        let outcome = exchange_answered(move || with_headers(status, &reset, body.to_vec())).await;
        assert_eq!(outcome.err(), Some(PlatformError::RateLimited { after: Duration::from_secs(7) }), "{status}");
    }
}

#[tokio::test]
async fn a12_identity_is_believed_only_when_it_names_somebody() {
    let person = json!({"code": 0, "data": {"open_id": "ou_1", "tenant_key": "t", "name": "Alice"}});
    for (status, body, expected) in [
        (200, person, Ok("ou_1")),
        (200, json!({"code": 0, "data": {}}), Err(PlatformError::Rejected { code: PlatformCode::NONE })),
        (200, json!({"code": 0, "data": {"open_id": ""}}), Err(PlatformError::Rejected { code: PlatformCode::NONE })),
        (200, json!({"code": 0}), Err(PlatformError::Rejected { code: PlatformCode::NONE })),
        (200, json!({"code": 20005}), Err(PlatformError::Revoked { code: 20005.into() })),
        (400, json!({"code": 99_991_668}), Err(PlatformError::Revoked { code: 99_991_668.into() })),
        (500, json!({"code": 20050}), Err(PlatformError::Unavailable)),
        (500, json!({}), Err(PlatformError::Unavailable)),
    ] {
        let shown = body.to_string();
        let server = FakeServer::start(move |_, _| json(status, &body)).await;
        let found = oauth(&server.base).identity(&secret("eyJa")).await;
        let found = found.as_ref().map(|person| person.subject.as_str()).map_err(Clone::clone);
        assert_eq!(found, expected, "{shown}");
        let seen = server.seen().remove(0);
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/open-apis/authen/v1/user_info"));
        assert_eq!(seen.header("authorization"), Some("Bearer eyJa"));
    }
}

#[tokio::test]
async fn a_token_is_ended_also_when_it_was_over() {
    for (status, body, expected) in [
        (200, "", Ok(())),
        (200, "{}", Ok(())),
        (200, r#"{"code":0}"#, Ok(())),
        (400, r#"{"code":20064}"#, Ok(())),
        (400, r#"{"code":20002}"#, Err(PlatformError::Misconfigured { code: 20002.into() })),
        (500, "", Err(PlatformError::Unavailable)),
    ] {
        let server = FakeServer::start(move |_, _| text(status, body)).await;
        assert_eq!(oauth(&server.base).revoke(&secret("tok")).await, expected, "{status} {body}");
        let seen = server.seen().remove(0);
        assert_eq!(seen.path, "/oauth/v1/revoke");
        assert_eq!(seen.form()[0], ("token".to_owned(), "tok".to_owned()));
    }
}

#[tokio::test]
async fn a_device_authorization_starts_with_basic_authentication() {
    let answer = json!({
        "device_code": "d-1", "user_code": "ABCD-1234", "verification_uri_complete": "http://p/v?user_code=ABCD-1234"
    });
    let server = FakeServer::start(move |_, _| json(200, &answer)).await;
    let scopes = ScopeSet::from_list("a");
    let started = oauth(&server.base).device_start(&scopes, Timestamp::from_secs(0)).await.unwrap();
    let (flow, until) = started.unwrap();
    assert_eq!((flow.user_code.as_str(), flow.interval_secs, until.as_secs()), ("ABCD-1234", 5, 240));
    let seen = server.seen().remove(0);
    assert_eq!(seen.path, "/oauth/v1/device_authorization");
    assert_eq!(seen.header("authorization"), Some("Basic Y2xpX2ExYjJjM2Q0ZTVmNjA3MTg6czNjciZ0PQ=="));
    let fields = [("client_id", "cli_a1b2c3d4e5f60718"), ("scope", "a offline_access")];
    assert_eq!(seen.form(), fields.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_device_authorization_is_polled() {
    for (status, body, expected) in [
        (400, json!({"error": "authorization_pending"}), "Ok(Pending)"),
        (400, json!({"error": "authorization_pending", "code": 20083}), "Ok(Pending)"),
        (400, json!({"error": "slow_down"}), "Ok(SlowDown)"),
        (400, json!({"error": "access_denied"}), "Ok(Denied)"),
        (400, json!({"error": "expired_token"}), "Ok(Gone)"),
        (400, json!({"error": "invalid_grant", "code": 20003}), "Ok(Gone)"),
        (400, json!({"error": "invalid_client", "code": 20002}), "Err(Misconfigured { code: 20002 })"),
        (400, json!({"error": "access_denied", "code": 20010}), "Err(Rejected { code: 20010 })"),
        (400, json!({"error": "invalid_grant", "code": 20066}), "Err(Revoked { code: 20066 })"),
        (500, json!({}), "Err(Unclear)"),
    ] {
        let server = FakeServer::start(move |_, _| json(status, &body)).await;
        assert_eq!(format!("{:?}", oauth(&server.base).device_poll(&secret("d-1")).await), expected);
        let form = server.seen().remove(0).form();
        assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:device_code");
        assert_eq!(form[1].1, "d-1");
    }
    let server = FakeServer::start(|_, _| json(200, &pair())).await;
    let polled = oauth(&server.base).device_poll(&secret("d-1")).await.unwrap();
    assert!(matches!(polled, DevicePoll::Granted(answer) if answer.access.matches("eyJa")));
}
