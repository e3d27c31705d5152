//! Consent, both grants, who it is, app tokens, throttling and the judge.

use cardkey_sandbox::options::{AppSpec, RefreshMode};
use cardkey_sandbox::{ALICE, BOB, DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, DINGTALK_CORP_ID, Options};
use serde_json::{Value, json};
use url::Url;

use crate::bench::{Bench, REDIRECT, read};

fn query<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("client_id", DINGTALK_CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid corpid"),
        ("prompt", "consent"),
        ("state", "s&=1"),
    ];
    for (name, value) in extra {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    all
}

fn param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn page(bench: &Bench, extra: &[(&str, &str)]) -> (u16, String) {
    let sent = bench.http.get(bench.url("/oauth2/auth")).query(&query(extra)).send().await.unwrap();
    (sent.status().as_u16(), sent.text().await.unwrap())
}

async fn decide(bench: &Bench, extra: &[(&str, &str)]) -> String {
    let sent = bench.http.post(bench.url("/oauth2/auth")).form(&query(extra)).send().await.unwrap();
    assert_eq!(sent.status(), 302);
    sent.headers()["location"].to_str().unwrap().to_owned()
}

async fn code(bench: &Bench, open_id: &str) -> String {
    let body = json!({"open_id": open_id, "redirect_uri": REDIRECT});
    bench.ding_control("/code", &body).await["code"].as_str().unwrap().to_owned()
}

async fn exchange(bench: &Bench, code: &str) -> (u16, Value) {
    bench.ding_token(&json!({"grantType": "authorization_code", "code": code})).await
}

async fn refresh(bench: &Bench, token: &Value) -> (u16, Value) {
    bench.ding_token(&json!({"grantType": "refresh_token", "refreshToken": token})).await
}

async fn me(bench: &Bench, token: &Value) -> (u16, Value) {
    let request = bench.http.get(bench.url("/v1.0/contact/users/me"));
    bench.ding_call(request, token.as_str().unwrap()).await
}

fn not_found(answer: &(u16, Value)) -> bool {
    answer.0 == 400 && answer.1["code"] == "invalidParameter.authCode.notFound"
}

#[tokio::test]
async fn consent_leads_to_a_pair_and_a_person() {
    let bench = Bench::new().await;
    let (status, html) = page(&bench, &[]).await;
    assert!(status == 200 && html.contains("corpid") && html.contains(BOB), "{html}");
    let location = decide(&bench, &[("as", BOB), ("decision", "allow")]).await;
    assert_eq!(param(&location, "state").unwrap(), "s&=1");
    assert!(param(&location, "code").is_none());
    let code = param(&location, "authCode").unwrap();
    let (status, pair) = exchange(&bench, &code).await;
    assert_eq!((status, &pair["expireIn"], &pair["corpId"]), (200, &json!(7200), &json!(DINGTALK_CORP_ID)));
    assert!(not_found(&exchange(&bench, &code).await));
    let (_, who) = me(&bench, &pair["accessToken"]).await;
    assert_eq!(who["nick"], "Bob");
    assert!(who["unionId"].is_string() && who["openId"].is_string() && who.get("userid").is_none());
    let token = bench.ding_app_token().await;
    let path = format!("/topapi/user/getbyunionid?access_token={token}");
    let (_, found) = bench.post(&path, "", &json!({"unionid": who["unionId"]})).await;
    assert_eq!(found["result"]["userid"], bench.user_id(BOB));
}

#[tokio::test]
async fn refusing_and_wrong_requests() {
    let bench = Bench::new().await;
    let location = decide(&bench, &[("as", ALICE), ("decision", "deny")]).await;
    assert_eq!(location, format!("{REDIRECT}?error=access_denied&state=s%26%3D1"));
    let limits = json!({"app_id": DINGTALK_CLIENT_ID, "scopes": ["Contact.User.Read"], "redirect_uris": [REDIRECT]});
    bench.ding_control("/apps", &limits).await;
    for (extra, code) in [
        (("client_id", "dingnobody"), "invalidClientId"),
        (("response_type", "token"), "invalidParameter"),
        (("prompt", ""), "invalidParameter"),
        (("scope", "corpid"), "invalidParameter"),
        (("scope", "openid Contact.User.mobile"), "invalidScope"),
        (("redirect_uri", "https://evil.example/"), "invalidRedirectUri"),
        (("exclusiveLogin", "true"), "invalidParameter"),
    ] {
        let (status, html) = page(&bench, &[extra]).await;
        assert!(status == 400 && html.contains(&format!("data-problem-code=\"{code}\"")), "{extra:?} {html}");
    }
    bench.ding_control("/people", &json!({"open_id": ALICE, "available": false})).await;
    let url = Url::parse_with_params(&bench.url("/oauth2/auth"), query(&[])).unwrap();
    let allow = json!({"authorize_url": url.as_str(), "open_id": ALICE});
    let sent = bench.http.post(bench.url("/dingtalk/control/consent")).json(&allow).send().await.unwrap();
    let (status, problem) = read(sent).await;
    assert_eq!((status, &problem["code"]), (409, &json!("invalidUser")));
}

#[tokio::test]
async fn a_refresh_token_is_spent_once_and_the_judge_sees_it() {
    let bench = Bench::new().await;
    let (_, pair) = exchange(&bench, &code(&bench, ALICE).await).await;
    let (status, next) = refresh(&bench, &pair["refreshToken"]).await;
    assert_eq!(status, 200);
    assert_ne!(next["refreshToken"], pair["refreshToken"]);
    assert!(not_found(&refresh(&bench, &pair["refreshToken"]).await));
    assert_eq!(me(&bench, &pair["accessToken"]).await.0, 200, "the old access token lives until its time");
    let verdict = bench.look("/dingtalk/control/judge?settled=true").await;
    assert_eq!((&verdict["totals"]["double_sends"], &verdict["totals"]["lost"]), (&json!(1), &json!(0)), "{verdict}");
    assert!(bench.look("/control/judge").await["chains"].as_array().unwrap().is_empty());
    bench.advance(30 * 24 * 3600 * 1000).await;
    assert!(not_found(&refresh(&bench, &next["refreshToken"]).await));
    let (status, dead) = me(&bench, &next["accessToken"]).await;
    assert_eq!((status, &dead["code"]), (400, &json!("InvalidAuthentication")));
}

#[tokio::test]
async fn a_lost_answer_with_a_grace_is_given_again() {
    let mut options = Options::default();
    let mode = Some(RefreshMode::GraceSame { grace_ms: 30_000 });
    options.dingtalk.apps =
        vec![AppSpec { app_id: DINGTALK_CLIENT_ID.to_owned(), refresh_mode: mode, ..AppSpec::default() }];
    let bench = Bench::with(options).await;
    let (_, pair) = exchange(&bench, &code(&bench, ALICE).await).await;
    let rule = json!({"match": {"api": "oauth_token", "grant_type": "refresh_token", "open_id": ALICE}, "times": 1,
        "action": {"kind": "lose_answer"}});
    bench.ding_control("/faults", &rule).await;
    let body = json!({"clientId": DINGTALK_CLIENT_ID, "clientSecret": DINGTALK_CLIENT_SECRET,
        "grantType": "refresh_token", "refreshToken": pair["refreshToken"]});
    let lost = bench.http.post(bench.url("/v1.0/oauth2/userAccessToken")).json(&body).send().await;
    assert!(lost.is_err());
    let (_, first) = refresh(&bench, &pair["refreshToken"]).await;
    let (_, second) = refresh(&bench, &pair["refreshToken"]).await;
    assert!(first["refreshToken"].is_string());
    assert_eq!(first["refreshToken"], second["refreshToken"]);
}

#[tokio::test]
async fn revoking_and_leaving_end_it() {
    let bench = Bench::new().await;
    let (_, pair) = exchange(&bench, &code(&bench, ALICE).await).await;
    bench.ding_control("/people", &json!({"open_id": ALICE, "frozen": true})).await;
    assert_eq!(refresh(&bench, &pair["refreshToken"]).await.0, 403);
    bench.ding_control("/people", &json!({"open_id": ALICE, "frozen": false})).await;
    let (_, pair) = refresh(&bench, &pair["refreshToken"]).await;
    assert_eq!(bench.ding_control("/revoke", &json!({"open_id": ALICE})).await["died"], 3);
    let (status, denied) = me(&bench, &pair["accessToken"]).await;
    assert_eq!((status, &denied["code"]), (403, &json!("Forbidden.AccessDenied.AccessTokenPermissionDenied")));
    assert!(denied["accessdenieddetail"]["requiredScopes"].is_array());
    assert!(not_found(&refresh(&bench, &pair["refreshToken"]).await));
}

#[tokio::test]
async fn app_tokens_of_the_new_and_the_old_kind() {
    let bench = Bench::new().await;
    let token = bench.ding_app_token().await;
    let path = format!("/gettoken?appkey={DINGTALK_CLIENT_ID}&appsecret={DINGTALK_CLIENT_SECRET}");
    let old = bench.look(&path).await;
    assert_eq!((&old["errcode"], old["access_token"].as_str().unwrap()), (&json!(0), token.as_str()));
    assert_eq!(bench.look(&format!("{path}x")).await["errcode"], 40_089);
    let body = json!({"client_id": DINGTALK_CLIENT_ID, "client_secret": DINGTALK_CLIENT_SECRET,
        "grant_type": "client_credentials"});
    let (_, corp) = bench.post(&format!("/v1.0/oauth2/{DINGTALK_CORP_ID}/token"), "", &body).await;
    assert_eq!(corp["access_token"], token);
    let wrong = json!({"appKey": DINGTALK_CLIENT_ID, "appSecret": "x"});
    let (status, refused) = bench.post("/v1.0/oauth2/accessToken", "", &wrong).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalidClientIdOrSecret")));
    assert_eq!(bench.ding_token(&json!({"clientSecret": "x"})).await.1["code"], "invalidClientIdOrSecret");
}

#[tokio::test]
async fn throttling_is_403_with_a_code() {
    let bench = Bench::new().await;
    bench.sandbox.dingtalk().clock.freeze(true);
    let (_, pair) = exchange(&bench, &code(&bench, ALICE).await).await;
    for _ in 0..20 {
        assert_eq!(me(&bench, &pair["accessToken"]).await.0, 200);
    }
    let (status, limited) = me(&bench, &pair["accessToken"]).await;
    assert_eq!((status, &limited["code"]), (403, &json!("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi")));
    bench.advance(1000).await;
    assert_eq!(me(&bench, &pair["accessToken"]).await.0, 200);
}

#[tokio::test]
async fn the_log_names_secrets_by_their_fingerprints() {
    let bench = Bench::new().await;
    let (_, pair) = exchange(&bench, &code(&bench, ALICE).await).await;
    refresh(&bench, &pair["refreshToken"]).await;
    let log = bench.look("/dingtalk/control/log?api=oauth_token&grant_type=refresh_token").await;
    let print = cardkey_sandbox::fingerprint(pair["refreshToken"].as_str().unwrap());
    assert_eq!((&log[0]["sent"]["refresh_token"], &log[0]["open_id"]), (&json!(print), &json!(ALICE)));
    assert!(log[0]["outcome"]["issued"]["refresh_token"].is_string());
    for secret in bench.sandbox.secrets().iter().filter(|secret| secret.len() > 20) {
        assert!(!log.to_string().contains(secret));
    }
}
