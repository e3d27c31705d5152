use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET, Options};
use serde_json::{Value, json};

use crate::bench::{Bench, REDIRECT, VERIFIER, exchange_body, read};

const V2: &str = "/open-apis/authen/v2/oauth/token";

fn with(mut body: Value, extra: &Value) -> Value {
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn code_of(bench: &Bench, body: &Value) -> i64 {
    let (status, answer) = bench.token(body).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"].is_string() && answer["error_description"].is_string());
    answer["code"].as_i64().unwrap()
}

#[tokio::test]
async fn a_code_becomes_a_pair_once_by_form_and_json_at_both_versions() {
    let bench = Bench::new().await;
    for path in ["/oauth/v3/token", V2] {
        let code = bench.code(ALICE, "offline_access im:message").await;
        let (status, pair) = bench.token_at(path, &exchange_body(&code)).await;
        assert_eq!((status, &pair["code"]), (200, &json!(0)));
        let access = pair["access_token"].as_str().unwrap();
        assert!(access.starts_with("eyJ") && (900..2048).contains(&access.len()));
        assert_eq!((&pair["expires_in"], &pair["token_type"]), (&json!(7200), &json!("Bearer")));
        assert_eq!(pair["refresh_token_expires_in"], 604_800);
        assert_eq!(pair["scope"], "im:message offline_access");
        let (status, used) = bench.token_at(path, &exchange_body(&code)).await;
        assert_eq!((status, &used["code"], &used["error"]), (400, &json!(20065), &json!("invalid_grant")));
    }
    let code = bench.code(ALICE, "").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", DEFAULT_APP_ID),
        ("client_secret", DEFAULT_APP_SECRET),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let sent = bench.http.post(bench.url("/oauth/v3/token")).form(&form).send().await.unwrap();
    assert_eq!(read(sent).await.0, 200);
}

#[tokio::test]
async fn every_refusal_of_a_code_has_its_number() {
    let bench = Bench::with(Options::default()).await;
    let code = bench.code(ALICE, "im:message").await;
    let body = exchange_body(&code);
    assert_eq!(code_of(&bench, &json!({})).await, 20001);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"code": 7}))).await, 20063);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"client_secret": "x"}))).await, 20002);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"client_secret": null}))).await, 20001);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"client_id": "cli_x"}))).await, 20048);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"code": "nonsense"}))).await, 20003);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"grant_type": "password"}))).await, 20036);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"redirect_uri": "http://x/"}))).await, 20071);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"code_verifier": null}))).await, 20049);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"code_verifier": "y".repeat(43)}))).await, 20049);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"scope": "im:message im:message"}))).await, 20067);
    assert_eq!(code_of(&bench, &with(body.clone(), &json!({"scope": "docs:document:readonly"}))).await, 20068);
    // None of these spent the code.
    assert_eq!(bench.token(&body).await.0, 200);
}

#[tokio::test]
async fn a_code_dies_after_its_time_or_with_its_person_or_app() {
    let bench = Bench::new().await;
    let code = bench.code(ALICE, "").await;
    let body = exchange_body(&code);
    for (change, expected) in [
        (json!({"resigned": true}), 20066),
        (json!({"resigned": false, "frozen": true}), 20066),
        (json!({"frozen": false, "available": false}), 20010),
        (json!({"available": true, "removed": true}), 20008),
        (json!({"removed": false, "tenant_key": "other"}), 20010),
    ] {
        bench.control("/control/people", &with(change, &json!({"open_id": ALICE}))).await;
        assert_eq!(code_of(&bench, &body).await, expected);
    }
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "enabled": false})).await;
    assert_eq!(code_of(&bench, &body).await, 20069);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "enabled": true, "installed": false})).await;
    assert_eq!(code_of(&bench, &body).await, 20009);
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "installed": true})).await;
    let other = bench.control("/control/apps", &json!({"app_id": "cli_00000000000000ff"})).await;
    let foreign = with(body.clone(), &json!({"client_id": other["app_id"], "client_secret": other["secret"]}));
    assert_eq!(code_of(&bench, &foreign).await, 20024);
    bench.advance(300_000).await;
    assert_eq!(code_of(&bench, &body).await, 20004);
}

#[tokio::test]
async fn the_versions_differ_in_a_verifier_without_a_challenge() {
    let bench = Bench::new().await;
    let plain = json!({"open_id": BOB, "redirect_uri": REDIRECT, "scope": ""});
    let code = bench.control("/control/code", &plain).await["code"].as_str().unwrap().to_owned();
    assert_eq!(code_of(&bench, &exchange_body(&code)).await, 20049);
    assert_eq!(bench.token_at(V2, &exchange_body(&code)).await.0, 200);
}

#[tokio::test]
async fn two_authentications_are_one_too_many() {
    let bench = Bench::new().await;
    let request = || bench.http.post(bench.url("/oauth/v3/token")).basic_auth(DEFAULT_APP_ID, Some(DEFAULT_APP_SECRET));
    let sent = request().form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let (status, answer) = read(sent).await;
    assert_eq!(status, 200);
    let form = [("grant_type", "client_credentials"), ("client_secret", DEFAULT_APP_SECRET)];
    assert_eq!(read(request().form(&form).send().await.unwrap()).await.1["code"], 20070);
    // What client_credentials gives is good as a tenant token and not as a person's.
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(bench.post("/open-apis/im/v1/messages", token, &json!({})).await.1["code"], 99_992_402);
    assert_eq!(bench.get("/open-apis/authen/v1/user_info", token).await.1["code"], 99_991_663);
}

#[tokio::test]
async fn scopes_accumulate_unless_narrowed_and_offline_access_brings_the_refresh_token() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "im:message").await;
    assert!(first["refresh_token"].is_null() && first["refresh_token_expires_in"].is_null());
    let second = bench.pair(ALICE, "offline_access").await;
    assert_eq!(second["scope"], "im:message offline_access");
    assert!(second["refresh_token"].is_string());
    let code = bench.code(ALICE, "").await;
    let (_, narrowed) = bench.token(&with(exchange_body(&code), &json!({"scope": "im:message"}))).await;
    assert_eq!(narrowed["scope"], "im:message");
    assert!(narrowed["refresh_token"].is_null());
}

#[tokio::test]
async fn a_public_client_needs_pkce_instead_of_a_secret() {
    let bench = Bench::new().await;
    bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "public_client": true})).await;
    let code = bench.code(ALICE, "").await;
    let body = with(exchange_body(&code), &json!({"client_secret": null}));
    assert_eq!(bench.token(&body).await.0, 200);
    let plain = json!({"open_id": BOB, "redirect_uri": REDIRECT, "scope": ""});
    let code = bench.control("/control/code", &plain).await["code"].as_str().unwrap().to_owned();
    let body =
        json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_secret": null});
    assert_eq!(code_of(&bench, &body).await, 20001);
    let credentials = json!({"grant_type": "client_credentials", "client_secret": null});
    assert_eq!(code_of(&bench, &credentials).await, 20001);
}
