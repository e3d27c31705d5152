//! User tokens against a real socket: what goes out, and every way an answer can be wrong.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::config::{AppKind, CardOptions, OrgLogin};
use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::TokenAnswer;
use crate::platform::client::clients;
use crate::platform::fake_server::{FakeServer, Reply, closed_port, json, text};
use crate::platform::{AuthorizeRequest, CodeExchange, DevicePoll, OAuth as _, PlatformCode, PlatformError};

pub(super) fn config(base: &Url) -> DingTalkConfig {
    DingTalkConfig {
        app_id: AppId::parse("ding1").unwrap(),
        app_secret: secret("s3cr&t="),
        app_name: "Cardkey".to_owned(),
        open_base: base.clone(),
        login_base: base.clone(),
        corp: None,
        org_login: OrgLogin::Any,
        kind: AppKind::InHouse,
        robot_code: "ding1".to_owned(),
        card: CardOptions {
            template_id: "t.schema".to_owned(),
            include_description: true,
            custom_message: None,
            privacy_url: None,
        },
    }
}

fn oauth_of(config: DingTalkConfig) -> DingTalkOAuth {
    let (_, http) = clients(None).unwrap();
    let api = Api { http, base: config.open_base.clone() };
    DingTalkOAuth { api: Arc::new(api), config: Arc::new(config) }
}

fn oauth(base: &Url) -> DingTalkOAuth {
    oauth_of(config(base))
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn corp() -> TenantKey {
    TenantKey::parse("dingcorp").unwrap()
}

fn authorize_url(config: DingTalkConfig) -> String {
    let (state, scopes) = (secret("st-ate"), ScopeSet::from_list("Contact.User.Read openid offline_access"));
    let redirect_uri = "https://gw.example/oauth/dingtalk/ding1/callback?x=1&y=a+b";
    let request = AuthorizeRequest { redirect_uri, state: &state, challenge: "ch", scopes: &scopes };
    oauth_of(config).authorize_url(&request).expose().to_owned()
}

async fn exchange(oauth: &DingTalkOAuth) -> Result<TokenAnswer, PlatformError> {
    let (code, verifier) = (secret("c0de"), secret("verifier"));
    let redirect_uri = "https://gw.example/callback";
    oauth.exchange(CodeExchange { code: &code, verifier: &verifier, redirect_uri }).await
}

fn pair() -> Value {
    json!({"accessToken": "at", "refreshToken": "rt", "expireIn": 7200, "corpId": "dingcorp"})
}

async fn answered(
    answer: impl Fn() -> Reply + Send + Sync + 'static,
) -> (Option<PlatformError>, Option<PlatformError>) {
    let server = FakeServer::start(move |_, _| answer()).await;
    let oauth = oauth(&server.base);
    let outcomes = (exchange(&oauth).await.err(), oauth.refresh(&secret("old")).await.err());
    assert_eq!(server.seen().len(), 2, "a code and a refresh token are sent once");
    outcomes
}

#[test]
fn the_authorize_url_is_complete() {
    let base = Url::parse("https://login.dingtalk.com").unwrap();
    insta::assert_snapshot!(authorize_url(config(&base)), @"https://login.dingtalk.com/oauth2/auth?client_id=ding1&response_type=code&redirect_uri=https%3A%2F%2Fgw.example%2Foauth%2Fdingtalk%2Fding1%2Fcallback%3Fx%3D1%26y%3Da%2Bb&scope=openid%20corpid%20Contact.User.Read&state=st-ate&prompt=consent");
}

#[test]
fn the_organisation_is_named_where_it_is_known() {
    let base = Url::parse("https://login.dingtalk.com").unwrap();
    for (org_login, corp, expected) in [
        (OrgLogin::Any, None, ""),
        (OrgLogin::Any, Some(corp()), "&corpId=dingcorp"),
        (OrgLogin::Managed, None, "&org_type=management"),
        (OrgLogin::Managed, Some(corp()), "&org_type=management&corpId=dingcorp"),
        (OrgLogin::Exclusive, Some(corp()), "&corpId=dingcorp&exclusiveLogin=true&exclusiveCorpId=dingcorp"),
    ] {
        let url = authorize_url(DingTalkConfig { corp, org_login, ..config(&base) });
        assert_eq!(url.split_once("&prompt=consent").unwrap().1, expected);
    }
}

#[tokio::test]
async fn a_code_and_a_refresh_token_are_spent_as_json() {
    let server = FakeServer::start(|_, _| json(200, &pair())).await;
    let oauth = oauth(&server.base);
    let first = exchange(&oauth).await.unwrap();
    assert!(first.access.matches("at") && first.tenant == Some(corp()));
    assert!(oauth.refresh(&secret("old")).await.unwrap().refresh.unwrap().token.matches("rt"));
    let seen = server.seen();
    let client = |more: Value| {
        let mut body = json!({"clientId": "ding1", "clientSecret": "s3cr&t="});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let bodies = [
        client(json!({"grantType": "authorization_code", "code": "c0de"})),
        client(json!({"grantType": "refresh_token", "refreshToken": "old"})),
    ];
    for (request, body) in seen.iter().zip(bodies) {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1.0/oauth2/userAccessToken"));
        assert_eq!(request.json(), body);
        assert!(request.header("content-type").unwrap().starts_with("application/json"));
        assert_eq!(request.header("accept"), Some("application/json"));
    }
}

#[tokio::test]
async fn what_an_answer_means_depends_on_what_was_spent() {
    use PlatformError::{Misconfigured, RateLimited, Rejected, Revoked, Unclear};
    let spent = PlatformCode::clean("invalidParameter.authCode.notFound");
    let second = Duration::from_secs(1);
    let refusal = |status: u16, code: &'static str| {
        move || json(status, &json!({"code": code, "requestid": "x", "message": "y"}))
    };
    assert_eq!(
        answered(refusal(400, "invalidParameter.authCode.notFound")).await,
        (Some(Rejected { code: spent }), Some(Revoked { code: spent }))
    );
    let same = |error: PlatformError| (Some(error.clone()), Some(error));
    let code = PlatformCode::clean;
    for (status, text, expected) in [
        (400, "invalidClientIdOrSecret", Misconfigured { code: code("invalidClientIdOrSecret") }),
        (403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", RateLimited { after: second }),
        (403, "something.new", Rejected { code: code("something.new") }),
        (500, "something.new", Unclear),
        (500, "system.busy", Unclear),
    ] {
        assert_eq!(answered(refusal(status, text)).await, same(expected), "{status} {text}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_unclear() {
    for (status, body) in [
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, r#"{"accessToken":""}"#),
        (200, r#"{"accessToken":"a","accessToken":"b"}"#),
        (200, r#"{"accessToken":"a","expireIn":-1}"#),
        (503, "<xml>"),
        (302, ""),
    ] {
        let unclear = Some(PlatformError::Unclear);
        assert_eq!(answered(move || text(status, body)).await, (unclear.clone(), unclear), "{status} {body}");
    }
    let gone = FakeServer::hanging_up().await;
    assert_eq!(exchange(&oauth(&gone.base)).await.err(), Some(PlatformError::Unclear));
    assert_eq!(exchange(&oauth(&closed_port().await)).await.err(), Some(PlatformError::Unavailable));
}

#[tokio::test]
async fn whose_a_token_is_is_asked_with_the_token_alone() {
    let server = FakeServer::start(|_, _| json(200, &json!({"nick": "Alice", "openId": "o", "unionId": "u"}))).await;
    assert_eq!(oauth(&server.base).identity(&secret("at")).await.unwrap().subject.as_str(), "u");
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/v1.0/contact/users/me"));
    assert_eq!((seen.header("x-acs-dingtalk-access-token"), seen.header("authorization")), (Some("at"), None));
}

#[tokio::test]
async fn a_dead_token_is_the_persons_and_a_broken_platform_nobodys() {
    for (status, body, expected) in [
        (
            400,
            r#"{"code":"InvalidAuthentication"}"#,
            PlatformError::Revoked { code: PlatformCode::clean("InvalidAuthentication") },
        ),
        (200, r#"{"nick":"Alice"}"#, PlatformError::Rejected { code: PlatformCode::NONE }),
        (500, "<html>", PlatformError::Unavailable),
    ] {
        let server = FakeServer::start(move |_, _| text(status, body)).await;
        assert_eq!(oauth(&server.base).identity(&secret("at")).await.err(), Some(expected), "{status} {body}");
    }
}

#[tokio::test]
async fn what_the_platform_lacks_is_said() {
    let oauth = oauth(&closed_port().await);
    assert!(matches!(oauth.revoke(&secret("at")).await, Err(PlatformError::Rejected { .. })));
    assert!(oauth.device_start(&ScopeSet::default(), Timestamp::from_secs(0)).await.is_none());
    assert!(matches!(oauth.device_poll(&secret("d")).await, Ok(DevicePoll::Gone)));
    assert_eq!(oauth.code_names(), ["authCode", "code"]);
}

#[test]
fn only_the_login_host_is_the_issuer() {
    let oauth = oauth(&Url::parse("https://login.dingtalk.com").unwrap());
    assert!(oauth.is_issuer("https://login.dingtalk.com") && oauth.is_issuer("https://login.dingtalk.com/"));
    assert!(!oauth.is_issuer("https://login.dingtalk.io") && !oauth.is_issuer(""));
}
