//! What a spent refresh token still does, by the app's mode.

use cardkey_sandbox::{ALICE, AppSpec, DEFAULT_APP_ID, Options, RefreshMode};
use serde_json::{Value, json};

use crate::bench::Bench;

const REFRESH: &str = "refresh_token";
const ACCESS: &str = "access_token";
const USER_INFO: &str = "/open-apis/authen/v1/user_info";

async fn bench(mode: RefreshMode) -> Bench {
    let app = AppSpec { app_id: DEFAULT_APP_ID.to_owned(), refresh_mode: Some(mode), ..AppSpec::default() };
    let bench = Bench::with(Options { apps: vec![app], ..Options::default() }).await;
    bench.control("/control/clock", &json!({"frozen": true})).await;
    bench
}

async fn refreshed(bench: &Bench, pair: &Value) -> Value {
    let (status, next) = bench.refresh(&pair[REFRESH]).await;
    assert_eq!(status, 200, "{next}");
    next
}

async fn refused(bench: &Bench, pair: &Value) -> i64 {
    let (status, answer) = bench.refresh(&pair[REFRESH]).await;
    assert_eq!(status, 400, "{answer}");
    answer["code"].as_i64().unwrap()
}

async fn is_alive(bench: &Bench, pair: &Value) -> bool {
    bench.get(USER_INFO, pair[ACCESS].as_str().unwrap()).await.0 == 200
}

#[tokio::test]
async fn reuse_revokes_the_family_and_no_other() {
    let bench = bench(RefreshMode::FamilyRevoke).await;
    let other = bench.pair(ALICE, "offline_access").await;
    let first = bench.pair(ALICE, "offline_access").await;
    let second = refreshed(&bench, &first).await;
    assert!(is_alive(&bench, &second).await);
    assert_eq!(refused(&bench, &first).await, 20073);
    assert_eq!(refused(&bench, &second).await, 20064, "the successor died with the chain");
    assert!(!is_alive(&bench, &first).await && !is_alive(&bench, &second).await);
    assert!(is_alive(&bench, &other).await);
    refreshed(&bench, &other).await;
}

#[tokio::test]
async fn within_the_grace_the_same_pair_comes_again() {
    let bench = bench(RefreshMode::GraceSame { grace_ms: 10_000 }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    let second = refreshed(&bench, &first).await;
    bench.advance(9_000).await;
    let again = refreshed(&bench, &first).await;
    assert_eq!((&again[REFRESH], &again[ACCESS]), (&second[REFRESH], &second[ACCESS]));
    assert_eq!((&second["expires_in"], &again["expires_in"]), (&json!(7200), &json!(7191)));
    // The grace runs from the first use, not from the last.
    bench.advance(1_000).await;
    assert_eq!(refused(&bench, &first).await, 20073);
    refreshed(&bench, &second).await;
}

#[tokio::test]
async fn the_grace_ends_when_the_successor_is_used_or_revoked() {
    let bench = bench(RefreshMode::GraceSame { grace_ms: 10_000 }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    let second = refreshed(&bench, &first).await;
    refreshed(&bench, &second).await;
    assert_eq!(refused(&bench, &first).await, 20073);
    let first = bench.pair(ALICE, "offline_access").await;
    refreshed(&bench, &first).await;
    bench.control("/control/revoke", &json!({"open_id": ALICE})).await;
    assert_eq!(refused(&bench, &first).await, 20073);
}

#[tokio::test]
async fn within_the_grace_a_new_pair_comes_and_the_one_before_dies() {
    let bench = bench(RefreshMode::GraceNew { grace_ms: 10_000 }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    let loser = refreshed(&bench, &first).await;
    let winner = refreshed(&bench, &first).await;
    assert_ne!(loser[REFRESH], winner[REFRESH]);
    assert_eq!(refused(&bench, &loser).await, 20064);
    assert!(is_alive(&bench, &loser).await, "its access token lives until its time");
    bench.advance(10_000).await;
    assert_eq!(refused(&bench, &first).await, 20073);
    refreshed(&bench, &winner).await;
}

#[tokio::test]
async fn a_grace_does_not_help_whoever_may_have_no_token() {
    let bench = bench(RefreshMode::GraceNew { grace_ms: 10_000 }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    let second = refreshed(&bench, &first).await;
    bench.control("/control/people", &json!({"open_id": ALICE, "frozen": true})).await;
    assert_eq!(refused(&bench, &first).await, 20066);
    bench.control("/control/people", &json!({"open_id": ALICE, "frozen": false})).await;
    refreshed(&bench, &second).await;
}

#[tokio::test]
async fn the_mode_is_changed_by_the_control_api_and_seen_there() {
    let bench = bench(RefreshMode::Strict).await;
    let first = bench.pair(ALICE, "offline_access").await;
    refreshed(&bench, &first).await;
    assert_eq!(refused(&bench, &first).await, 20073);
    for mode in [json!({"mode": "family_revoke"}), json!({"mode": "grace_new", "grace_ms": 10_000})] {
        bench.control("/control/apps", &json!({"app_id": DEFAULT_APP_ID, "refresh_mode": mode})).await;
        assert_eq!(bench.look("/control/apps").await[0]["refresh_mode"], mode);
    }
    refreshed(&bench, &first).await;
}
