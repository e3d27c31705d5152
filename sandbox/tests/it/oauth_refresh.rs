use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, DEFAULT_APP_SECRET, Lifetimes, Options};
use serde_json::{Value, json};

use crate::bench::Bench;

fn code((status, answer): (u16, Value)) -> i64 {
    if status == 200 { 0 } else { answer["code"].as_i64().unwrap() }
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_the_old_access_token_lives_on() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "offline_access").await;
    let (status, second) = bench.refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(code(bench.refresh(&first["refresh_token"]).await), 20073);
    assert_eq!(code(bench.refresh(&second["refresh_token"]).await), 0);
    for pair in [&first, &second] {
        let token = pair["access_token"].as_str().unwrap();
        assert_eq!(bench.get("/open-apis/authen/v1/user_info", token).await.0, 200);
    }
}

#[tokio::test]
async fn a_scope_at_a_refresh_narrows_the_access_token_only() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "offline_access im:message").await;
    let narrow = json!({"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "im:message"});
    let (_, second) = bench.token(&narrow).await;
    assert_eq!(second["scope"], "im:message");
    let (_, third) = bench.refresh(&second["refresh_token"]).await;
    assert_eq!(third["scope"], "im:message offline_access");
}

#[tokio::test]
async fn of_many_refreshes_at_once_exactly_one_wins() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let tries = (0..20).map(|_| bench.refresh(&pair["refresh_token"]));
    let codes: Vec<i64> = futures_util::future::join_all(tries).await.into_iter().map(code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1);
    assert_eq!(codes.iter().filter(|code| **code == 20073).count(), 19);
}

#[tokio::test]
async fn every_refusal_of_a_refresh_has_its_number() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let token = &pair["refresh_token"];
    assert_eq!(code(bench.refresh(&json!("nonsense")).await), 20026);
    assert_eq!(code(bench.refresh(&Value::Null).await), 20001);
    let switch = |on: bool| json!({"app_id": DEFAULT_APP_ID, "refresh": on});
    bench.control("/control/apps", &switch(false)).await;
    assert_eq!(code(bench.refresh(token).await), 20074);
    bench.control("/control/apps", &switch(true)).await;
    let other = bench.control("/control/apps", &json!({"app_id": "cli_00000000000000ff"})).await;
    let foreign = json!({"grant_type": "refresh_token", "refresh_token": token,
        "client_id": other["app_id"], "client_secret": other["secret"]});
    assert_eq!(code(bench.token(&foreign).await), 20024);
    bench.control("/control/people", &json!({"open_id": ALICE, "frozen": true})).await;
    assert_eq!(code(bench.refresh(token).await), 20066);
    bench.control("/control/people", &json!({"open_id": ALICE, "frozen": false})).await;
    assert_eq!(code(bench.refresh(token).await), 0);
}

#[tokio::test]
async fn a_refresh_token_expires_and_a_consent_does_too() {
    let lifetimes = Lifetimes { refresh_token_s: 100, ..Lifetimes::default() };
    // A year at a millionth is 31.5 s.
    let bench = Bench::with(Options { lifetimes, time_scale: 1e-5, ..Options::default() }).await;
    let pair = bench.pair(ALICE, "offline_access").await;
    assert_eq!(pair["refresh_token_expires_in"], 100);
    bench.advance(100_000).await;
    assert_eq!(code(bench.refresh(&pair["refresh_token"]).await), 20037);
    let mut pair = bench.pair(ALICE, "offline_access").await;
    // Four refreshes after 70 s each: the fifth would be beyond the 315.4 s of the consent.
    for _ in 0..4 {
        bench.advance(70_000).await;
        let (status, next) = bench.refresh(&pair["refresh_token"]).await;
        assert_eq!(status, 200, "{next}");
        pair = next;
    }
    assert!(pair["refresh_token_expires_in"].as_i64().unwrap() < 40);
    bench.advance(40_000).await;
    assert_eq!(code(bench.refresh(&pair["refresh_token"]).await), 20037);
}

#[tokio::test]
async fn a_revoked_chain_is_dead_and_the_consent_of_another_lives() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let other = bench.pair(ALICE, "offline_access").await;
    let form = [
        ("client_id", DEFAULT_APP_ID),
        ("client_secret", DEFAULT_APP_SECRET),
        ("token", pair["access_token"].as_str().unwrap()),
        ("token_type_hint", "access_token"),
    ];
    let sent = bench.http.post(bench.url("/oauth/v1/revoke")).form(&form).send().await.unwrap();
    assert_eq!((sent.status().as_u16(), sent.text().await.unwrap()), (200, String::new()));
    assert_eq!(code(bench.refresh(&pair["refresh_token"]).await), 20064);
    let (_, info) = bench.get("/open-apis/authen/v1/user_info", pair["access_token"].as_str().unwrap()).await;
    assert_eq!(info["code"], 20005);
    assert_eq!(code(bench.refresh(&other["refresh_token"]).await), 0);
}

#[tokio::test]
async fn the_control_api_revokes_everything_of_a_person() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access im:message").await;
    let answer = bench.control("/control/revoke", &json!({"open_id": ALICE})).await;
    assert_eq!(answer["died"], 2);
    assert_eq!(answer["event_id"].as_str().unwrap().len(), 32);
    assert_eq!(code(bench.refresh(&pair["refresh_token"]).await), 20064);
    // Consents are gone too: the next token carries only what was asked for now.
    assert_eq!(bench.pair(ALICE, "im:message").await["scope"], "im:message");
}

#[tokio::test]
async fn the_log_and_the_grants_speak_in_fingerprints() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "offline_access").await;
    let (_, second) = bench.refresh(&first["refresh_token"]).await;
    let log = bench.look("/control/log?api=oauth_token&grant_type=refresh_token").await;
    let entry = &log[0];
    assert_eq!((&entry["open_id"], &entry["app_id"]), (&json!(ALICE), &json!(DEFAULT_APP_ID)));
    assert_eq!((&entry["outcome"]["http"], &entry["outcome"]["code"]), (&json!(200), &json!(0)));
    let issued = &entry["outcome"]["issued"]["refresh_token"];
    let grants = bench.look(&format!("/control/grants?open_id={ALICE}")).await;
    assert_eq!(grants["live_refresh_tokens"], json!([issued]));
    assert_eq!(grants["live_access_tokens"].as_array().unwrap().len(), 2);
    let text = bench.look("/control/log").await.to_string();
    for secret in [&first["refresh_token"], &second["access_token"], &json!(DEFAULT_APP_SECRET)] {
        assert!(!text.contains(secret.as_str().unwrap()));
    }
}
