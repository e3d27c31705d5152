use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID};
use serde_json::{Value, json};
use url::Url;

use crate::bench::{Bench, CHALLENGE, REDIRECT, VERIFIER, exchange_body, read};

const PATH: &str = "/open-apis/authen/v1/authorize";

fn query<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("client_id", DEFAULT_APP_ID), ("response_type", "code"), ("redirect_uri", REDIRECT)];
    for (name, value) in extra {
        all.retain(|(known, _)| known != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    all
}

fn param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn page(bench: &Bench, extra: &[(&str, &str)]) -> (u16, String) {
    let sent = bench.http.get(bench.url(PATH)).query(&query(extra)).send().await.unwrap();
    (sent.status().as_u16(), sent.text().await.unwrap())
}

async fn decide(bench: &Bench, extra: &[(&str, &str)]) -> reqwest::Response {
    bench.http.post(bench.url(PATH)).form(&query(extra)).send().await.unwrap()
}

#[tokio::test]
async fn the_form_carries_the_request_and_allowing_redirects_with_a_code() {
    let bench = Bench::new().await;
    let asked = [
        ("scope", "im:message offline_access"),
        ("state", "s&=1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let (status, html) = page(&bench, &asked).await;
    assert_eq!(status, 200);
    assert!(html.contains("im:message") && html.contains("code_challenge") && html.contains(ALICE));
    let decision = [&asked[..], &[("as", BOB), ("decision", "allow")]].concat();
    let sent = decide(&bench, &decision).await;
    assert_eq!(sent.status(), 302);
    let location = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(REDIRECT));
    assert_eq!(param(&location, "state").unwrap(), "s&=1");
    let code = param(&location, "code").unwrap();
    assert!(code.len() >= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let (_, pair) = bench.exchange(&code).await;
    let (_, info) = bench.get("/open-apis/authen/v1/user_info", pair["access_token"].as_str().unwrap()).await;
    assert_eq!(info["data"]["open_id"], BOB);
}

#[tokio::test]
async fn denying_redirects_with_an_error() {
    let bench = Bench::new().await;
    let sent = decide(&bench, &[("state", "xyz"), ("as", ALICE), ("decision", "deny")]).await;
    let location = sent.headers()["location"].to_str().unwrap();
    assert_eq!(location, format!("{REDIRECT}?error=access_denied&state=xyz"));
}

#[tokio::test]
async fn wrong_requests_end_on_the_page() {
    let bench = Bench::new().await;
    let limits = json!({"app_id": DEFAULT_APP_ID, "scopes": ["im:message"], "redirect_uris": [REDIRECT]});
    bench.control("/control/apps", &limits).await;
    for (extra, code) in [
        (("client_id", "cli_nobody"), "20048"),
        (("response_type", ""), "20001"),
        (("redirect_uri", "https://evil.example/"), "20029"),
        (("scope", "im:message offline_access"), "20027"),
        (("code_challenge_method", "S512"), "20063"),
    ] {
        let (status, html) = page(&bench, &[("scope", "im:message"), extra]).await;
        assert_eq!(status, 400, "{extra:?}");
        assert!(html.contains(code), "{extra:?}");
    }
    bench.control("/control/people", &json!({"open_id": ALICE, "available": false})).await;
    let sent = decide(&bench, &[("scope", "im:message"), ("as", ALICE), ("decision", "allow")]).await;
    assert_eq!(sent.status(), 400);
    assert!(sent.text().await.unwrap().contains("20010"));
}

#[tokio::test]
async fn a_fragment_comes_after_the_query_and_plain_is_the_default_method() {
    let bench = Bench::new().await;
    let uri = "https://app.example/cb?keep=1#part";
    let url = Url::parse_with_params(&bench.url(PATH), query(&[("redirect_uri", uri), ("code_challenge", VERIFIER)]));
    let body = json!({"authorize_url": url.unwrap().as_str(), "open_id": ALICE});
    let location = bench.control("/control/consent", &body).await["location"].as_str().unwrap().to_owned();
    assert!(location.starts_with("https://app.example/cb?keep=1&code=") && location.ends_with("#part"));
    let mut exchange = exchange_body(&param(&location, "code").unwrap());
    exchange["redirect_uri"] = json!(uri);
    assert_eq!(bench.token(&exchange).await.0, 200);
}

#[tokio::test]
async fn the_control_api_decides_and_tells_problems() {
    let bench = Bench::new().await;
    let url = Url::parse_with_params(&bench.url(PATH), query(&[("state", "s")])).unwrap();
    let deny = json!({"authorize_url": url.as_str(), "open_id": ALICE, "decision": "deny"});
    let answer = bench.control("/control/consent", &deny).await;
    assert_eq!(answer["location"], format!("{REDIRECT}?error=access_denied&state=s"));
    bench.control("/control/people", &json!({"open_id": ALICE, "resigned": true})).await;
    let allow = json!({"authorize_url": url.as_str(), "open_id": ALICE});
    let sent = bench.http.post(bench.url("/control/consent")).json(&allow).send().await.unwrap();
    let (status, problem): (u16, Value) = read(sent).await;
    assert_eq!((status, &problem["code"]), (409, &json!(20066)));
}
