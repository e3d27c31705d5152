//! The judge: told only by its log, it finds what a careless client does and what a careful one could not help.

use cardkey_sandbox::judge::{ChainVerdict, TokenState, Verdict};
use cardkey_sandbox::{ALICE, AppSpec, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET, Options, RefreshMode, fingerprint};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::client::soon;

const REFRESH: &str = "refresh_token";

fn print(pair: &Value) -> String {
    fingerprint(pair[REFRESH].as_str().unwrap())
}

async fn fault(bench: &Bench, action: Value) {
    let rule = json!({"match": {"api": "oauth_token", "grant_type": REFRESH}, "times": 1, "action": action});
    bench.control("/control/faults", &rule).await;
}

/// A refresh whose answer may not come.
async fn send(bench: &Bench, pair: &Value) -> Result<reqwest::Response, reqwest::Error> {
    let body = json!({"grant_type": REFRESH, "refresh_token": pair[REFRESH],
        "client_id": DEFAULT_APP_ID, "client_secret": DEFAULT_APP_SECRET});
    bench.http.post(bench.url("/oauth/v3/token")).json(&body).send().await
}

async fn refreshed(bench: &Bench, pair: &Value) -> Value {
    let (status, next) = bench.refresh(&pair[REFRESH]).await;
    assert_eq!(status, 200, "{next}");
    next
}

async fn verdict(bench: &Bench) -> Verdict {
    soon(bench.sandbox.judge_settled()).await
}

/// The verdict on the only chain.
async fn chain(bench: &Bench) -> ChainVerdict {
    let mut chains = verdict(bench).await.chains;
    assert_eq!(chains.len(), 1);
    chains.remove(0)
}

#[tokio::test]
async fn a_careful_client_has_nothing_to_fear() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "offline_access").await;
    let second = refreshed(&bench, &first).await;
    let third = refreshed(&bench, &second).await;
    let verdict = verdict(&bench).await;
    let totals = &verdict.totals;
    assert_eq!((totals.requests, totals.sends, totals.tokens_sent, totals.rotations), (3, 2, 2, 2));
    let faults = [totals.lost, totals.double_sends, totals.overlapping_sends, totals.denied, totals.early];
    assert_eq!((faults, totals.under_way, totals.unknown_sends), ([0; 5], 0, 0));
    assert!(!verdict.chains[0].is_remarkable());
    let tokens = &verdict.chains[0].tokens;
    let given: Vec<_> = tokens.iter().map(|one| one.sends.first().and_then(|send| send.successor)).collect();
    assert_eq!(given, [Some(tokens[1].token), Some(tokens[2].token), None], "what each was spent for");
    let seen: Vec<_> = tokens.iter().map(|one| (one.token.to_string(), one.generation, one.state)).collect();
    let wanted = [(&first, 0, TokenState::Used), (&second, 1, TokenState::Used), (&third, 2, TokenState::Live)];
    assert_eq!(seen, wanted.map(|(pair, generation, state)| (print(pair), generation, state)));
    let live: Vec<_> = verdict.live(DEFAULT_APP_ID, ALICE).iter().map(ToString::to_string).collect();
    assert_eq!(live, [print(&third)]);
}

#[tokio::test]
async fn a_token_sent_after_a_definite_answer_is_a_double_send() {
    let bench = Bench::new().await;
    let first = bench.pair(ALICE, "offline_access").await;
    refreshed(&bench, &first).await;
    // Twice more: the platform says that it is used, and says so again.
    for _ in 0..2 {
        assert_eq!(bench.refresh(&first[REFRESH]).await.1["code"], 20073);
    }
    let chain = chain(&bench).await;
    let token = &chain.tokens[0];
    assert_eq!((token.sends.len(), token.double_sends, token.overlapping_sends), (3, 2, 0));
    assert_eq!(token.sends.iter().map(|send| send.double).collect::<Vec<_>>(), [false, true, true]);
    assert!(chain.is_remarkable() && chain.lost.is_empty());
}

#[tokio::test]
async fn a_token_may_be_sent_again_while_nobody_knows_what_became_of_it() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let body = json!({"code": 20050, "error": "server_error"});
    for action in [
        json!({"kind": "drop"}),
        json!({"kind": "status", "status": 500, "body": body}),
        json!({"kind": "status", "status": 429, "body": {"code": 99_991_400}}),
        json!({"kind": "body", "body_text": "<html>"}),
        json!({"kind": "raw", "bytes_base64": "SFRUUC8xLjEgMjAwIE9LDQoNCg=="}),
        json!({"kind": "status", "status": 400, "body": {"code": 20069}}),
        json!({"kind": "status", "status": 400, "body": {"code": 20066}}),
    ] {
        fault(&bench, action).await;
        let _ = send(&bench, &pair).await;
    }
    refreshed(&bench, &pair).await;
    let totals = verdict(&bench).await.totals;
    assert_eq!((totals.sends, totals.double_sends, totals.overlapping_sends), (8, 0, 0));
    assert_eq!((totals.rotations, totals.lost), (1, 0));
}

#[tokio::test]
async fn a_rotation_whose_answer_reaches_nobody_is_a_loss_and_its_second_send_is_none() {
    for (action, replaced) in [
        (json!({"kind": "lose_answer"}), false),
        (json!({"kind": "cut_answer", "bytes": 400}), false),
        (json!({"kind": "status", "status": 502, "body": {}, "act": true}), true),
    ] {
        let bench = Bench::new().await;
        let pair = bench.pair(ALICE, "offline_access").await;
        fault(&bench, action.clone()).await;
        if let Ok(answer) = send(&bench, &pair).await {
            let whole = answer.bytes().await.is_ok();
            assert_eq!(whole, replaced, "{action}");
        }
        assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
        let chain = chain(&bench).await;
        let [loss] = &chain.lost[..] else { panic!("{action}: {chain:?}") };
        assert_eq!((loss.spent.to_string(), loss.replaced), (print(&pair), replaced), "{action}");
        assert_eq!(chain.live, Some(loss.successor), "alive, and nobody has it");
        assert_eq!((chain.rotations, chain.tokens[0].double_sends), (1, 0), "{action}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_again_is_no_loss() {
    let app = AppSpec {
        app_id: DEFAULT_APP_ID.to_owned(),
        refresh_mode: Some(RefreshMode::GraceSame { grace_ms: 60_000 }),
        ..AppSpec::default()
    };
    let bench = Bench::with(Options { apps: vec![app], ..Options::default() }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "lose_answer"})).await;
    assert!(send(&bench, &first).await.is_err());
    assert_eq!(verdict(&bench).await.totals.lost, 1, "as long as nobody has asked again");
    refreshed(&bench, &first).await;
    let totals = verdict(&bench).await.totals;
    assert_eq!((totals.lost, totals.rotations, totals.double_sends), (0, 1, 0));
}

#[tokio::test]
async fn a_new_pair_in_the_grace_heals_the_chain_and_the_one_before_was_lost() {
    let app = AppSpec {
        app_id: DEFAULT_APP_ID.to_owned(),
        refresh_mode: Some(RefreshMode::GraceNew { grace_ms: 60_000 }),
        ..AppSpec::default()
    };
    let bench = Bench::with(Options { apps: vec![app], ..Options::default() }).await;
    let first = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "lose_answer"})).await;
    assert!(send(&bench, &first).await.is_err());
    let next = refreshed(&bench, &first).await;
    let chain = chain(&bench).await;
    assert_eq!((chain.rotations, chain.lost.len()), (2, 1));
    assert_eq!(chain.live.map(|token| token.to_string()), Some(print(&next)));
    assert_eq!(chain.tokens[1].state, TokenState::Revoked);
}

#[tokio::test]
async fn two_at_a_time_overlap_and_what_is_under_way_is_not_judged_yet() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "hold", "act": true})).await;
    let held = send(&bench, &pair);
    let meanwhile = async {
        let acted = |entry: &cardkey_sandbox::journal::Entry| entry.fault.is_some() && entry.outcome.is_some();
        bench.seen(acted).await;
        assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20073);
        let verdict = bench.sandbox.judge();
        assert_eq!((verdict.totals.under_way, verdict.totals.overlapping_sends), (1, 1));
        assert_eq!((verdict.totals.rotations, verdict.totals.lost), (1, 0));
        bench.control("/control/release", &json!({})).await;
    };
    let (held, ()) = tokio::join!(held, meanwhile);
    assert_eq!(held.unwrap().status(), 200);
    let totals = verdict(&bench).await.totals;
    assert_eq!((totals.overlapping_sends, totals.double_sends, totals.lost), (1, 0, 0));
}

#[tokio::test]
async fn a_client_that_hangs_up_has_not_had_what_the_platform_then_does() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    fault(&bench, json!({"kind": "hold"})).await;
    tokio::select! {
        _ = send(&bench, &pair) => panic!("the request was not held"),
        _ = bench.seen(|entry| entry.fault.is_some()) => {}
    }
    bench.seen(|entry| entry.fault.is_some() && entry.written == Some(false)).await;
    assert_eq!(bench.sandbox.judge().totals.under_way, 1, "the platform is still at it");
    bench.control("/control/release", &json!({})).await;
    let totals = verdict(&bench).await.totals;
    assert_eq!((totals.rotations, totals.lost, totals.overlapping_sends), (1, 1, 0));
}

#[tokio::test]
async fn what_is_alive_is_known_for_each_app_and_person() {
    let bench = Bench::new().await;
    let second = "cli_00000000000000ff";
    let secret = bench.control("/control/apps", &json!({"app_id": second})).await["secret"].clone();
    let alice = bench.pair(ALICE, "offline_access").await;
    let ask = json!({"open_id": ALICE, "app_id": second, "redirect_uri": "http://x", "scope": "offline_access"});
    let code = bench.control("/control/code", &ask).await["code"].clone();
    let exchange = json!({"grant_type": "authorization_code", "code": code,
        "redirect_uri": "http://x", "client_id": second, "client_secret": secret});
    let (_, other) = bench.token(&exchange).await;
    let bob = bench.pair(BOB, "offline_access").await;
    bench.control("/control/revoke", &json!({"open_id": BOB, "push": false})).await;
    let again = bench.pair(ALICE, "offline_access").await;
    let verdict = verdict(&bench).await;
    let live = |app: &str, open_id: &str| -> Vec<String> {
        verdict.live(app, open_id).iter().map(ToString::to_string).collect()
    };
    assert_eq!(live(DEFAULT_APP_ID, ALICE), [print(&alice), print(&again)], "each consent has its own");
    let people = bench.look("/control/people").await;
    let elsewhere = people[0]["open_ids"][second].as_str().unwrap();
    assert_eq!(live(second, elsewhere), [print(&other)]);
    assert!(live(DEFAULT_APP_ID, BOB).is_empty());
    let revoked = verdict.chains.iter().find(|chain| chain.open_id == BOB).unwrap();
    assert_eq!((revoked.tokens[0].state, revoked.tokens[0].token.to_string()), (TokenState::Revoked, print(&bob)));
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_alive() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    bench.advance(604_800_000).await;
    assert_eq!(bench.refresh(&pair[REFRESH]).await.1["code"], 20037);
    let chain = chain(&bench).await;
    assert_eq!((chain.live, chain.tokens[0].state), (None, TokenState::Expired));
}

#[tokio::test]
async fn requests_are_counted_in_sliding_windows() {
    let bench = Bench::new().await;
    bench.control("/control/clock", &json!({"frozen": true})).await;
    let mut pair = bench.pair(ALICE, "offline_access").await;
    for step_ms in [0, 999, 1, 30_000, 29_000, 1_000] {
        bench.advance(step_ms).await;
        pair = refreshed(&bench, &pair).await;
    }
    let app = verdict(&bench).await.apps.remove(0);
    assert_eq!(app.app_id, DEFAULT_APP_ID);
    // At 0 (with the exchange of the code), 999, 1000, 31 000, 60 000 and 61 000 ms.
    assert_eq!((app.most_sends_in_1s, app.most_in_1s), (2, 3));
    assert_eq!((app.most_sends_in_60s, app.most_in_60s), (4, 5));
}

#[tokio::test]
async fn coming_before_the_stated_time_is_seen() {
    let bench = Bench::new().await;
    bench.control("/control/clock", &json!({"frozen": true})).await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let limited = json!({"kind": "status", "status": 429, "body": {"code": 99_991_400},
        "headers": {"x-ogw-ratelimit-reset": "3"}});
    fault(&bench, limited).await;
    assert_eq!(bench.refresh(&pair[REFRESH]).await.0, 429);
    bench.advance(2_999).await;
    let pair = refreshed(&bench, &pair).await;
    assert_eq!(verdict(&bench).await.totals.early, 1);
    bench.advance(1).await;
    refreshed(&bench, &pair).await;
    let app = verdict(&bench).await.apps.remove(0);
    assert_eq!((app.limited, app.early), (1, 1));
    assert_eq!(app.early_sends.iter().map(|send| send.after_ms).collect::<Vec<_>>(), [2_999]);
}

#[tokio::test]
async fn the_verdict_is_told_without_any_token_and_can_be_forgotten() {
    let bench = Bench::new().await;
    let pair = bench.pair(ALICE, "offline_access").await;
    let quiet = bench.pair(BOB, "offline_access").await;
    let next = refreshed(&bench, &pair).await;
    bench.refresh(&pair[REFRESH]).await;
    bench.refresh(&json!("never a token")).await;
    let told = bench.look("/control/judge?settled=true").await;
    assert_eq!((&told["totals"]["double_sends"], &told["totals"]["unknown_sends"]), (&json!(1), &json!(1)));
    assert_eq!(told["chains"].as_array().unwrap().len(), 2);
    let send = &told["chains"][0]["tokens"][0]["sends"][1];
    assert_eq!((&send["outcome"], &send["told"], &send["written"]), (&json!("denied"), &json!("denied"), &json!(true)));
    for secret in [&pair[REFRESH], &next[REFRESH], &next["access_token"], &quiet[REFRESH]] {
        assert!(!told.to_string().contains(secret.as_str().unwrap()));
    }
    let remarkable = bench.look("/control/judge?remarkable=true").await;
    assert_eq!(remarkable["chains"].as_array().unwrap().len(), 1);
    assert_eq!(remarkable["chains"][0]["tokens"][1]["token"], print(&next));
    bench.http.delete(bench.url("/control/judge")).send().await.unwrap();
    let forgotten = bench.look("/control/judge").await;
    assert_eq!((&forgotten["totals"]["requests"], &forgotten["totals"]["double_sends"]), (&json!(0), &json!(0)));
    assert_eq!(forgotten["chains"][0]["live"], print(&next), "what is alive stays known");
}
