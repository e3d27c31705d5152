use cardkey_sandbox::{ALICE, Options, TokenLimit};
use serde_json::{Value, json};

use crate::bench::{Bench, CREATE, card, read};

#[tokio::test]
async fn the_sixth_message_to_a_person_within_a_second_is_limited() {
    let bench = Bench::new().await;
    let token = bench.tenant_token().await;
    bench.control("/control/clock", &json!({"frozen": true})).await;
    let body = json!({"receive_id": ALICE, "msg_type": "interactive", "content": card("x").to_string()});
    for _ in 0..5 {
        assert_eq!(bench.post(CREATE, &token, &body).await.0, 200);
    }
    let send = bench.http.post(bench.url(CREATE)).bearer_auth(&token).json(&body);
    let limited = send.send().await.unwrap();
    assert_eq!(limited.status(), 429);
    let header = |name: &str| limited.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-ogw-ratelimit-limit"), "5");
    assert_eq!(header("x-ogw-ratelimit-reset"), "1");
    let answer: serde_json::Value = limited.json().await.unwrap();
    assert_eq!(answer["code"], 99_991_400);
    bench.advance(1000).await;
    assert_eq!(bench.post(CREATE, &token, &body).await.0, 200);
    bench.control("/control/rate_limits", &json!({"enabled": false})).await;
    for _ in 0..10 {
        assert_eq!(bench.post(CREATE, &token, &body).await.0, 200);
    }
}

/// A sandbox with a limit at its token endpoint, at which time stands still.
async fn limited_by(token_limit: TokenLimit) -> Bench {
    let bench = Bench::with(Options { token_limit, ..Options::default() }).await;
    bench.control("/control/clock", &json!({"frozen": true})).await;
    bench
}

/// Refreshes `count` times with one token after the other; tells how often that went well.
async fn refreshes(bench: &Bench, pair: &mut Value, count: usize) -> usize {
    let mut good = 0;
    for _ in 0..count {
        let (status, answer) = bench.refresh(&pair["refresh_token"]).await;
        if status == 200 {
            good += 1;
            *pair = answer;
        }
    }
    good
}

#[tokio::test]
async fn the_token_endpoint_takes_fifty_a_second_of_an_app_and_spends_no_token_beyond() {
    let bench = limited_by(TokenLimit::Http429).await;
    let mut pair = bench.pair(ALICE, "offline_access").await;
    assert_eq!(refreshes(&bench, &mut pair, 60).await, 49, "and the exchange of the code");
    let limited = bench.token_response(&pair["refresh_token"]).await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["x-ogw-ratelimit-limit"]), (429, &"50".parse().unwrap()));
    assert_eq!(limited.headers()["x-ogw-ratelimit-reset"], "1");
    assert_eq!(read(limited).await.1["code"], 99_991_400);
    // Another app has a budget of its own.
    let other = bench.control("/control/apps", &json!({"app_id": "cli_00000000000000ff"})).await;
    let body =
        json!({"grant_type": "client_credentials", "client_id": other["app_id"], "client_secret": other["secret"]});
    assert_eq!(bench.token(&body).await.0, 200);
    bench.advance(1000).await;
    assert_eq!(refreshes(&bench, &mut pair, 1).await, 1, "the token lives");
    let verdict = bench.sandbox.judge_settled().await;
    let app = &verdict.apps[0];
    assert_eq!((app.most_in_1s, app.limited, app.early), (62, 12, 11), "11 did not wait as they were told");
}

#[tokio::test]
async fn the_token_endpoint_takes_a_thousand_a_minute() {
    let bench = limited_by(TokenLimit::Http429).await;
    let mut pair = bench.pair(ALICE, "offline_access").await;
    bench.advance(1000).await;
    for _ in 0..19 {
        assert_eq!(refreshes(&bench, &mut pair, 50).await, 50);
        bench.advance(1000).await;
    }
    assert_eq!(refreshes(&bench, &mut pair, 50).await, 49, "with the exchange of the code that is a thousand");
    let limited = bench.token_response(&pair["refresh_token"]).await;
    assert_eq!(limited.headers()["x-ogw-ratelimit-limit"], "1000");
    // 20 s of the minute are over.
    assert_eq!(limited.headers()["x-ogw-ratelimit-reset"], "40");
    bench.advance(40_000).await;
    assert_eq!(refreshes(&bench, &mut pair, 1).await, 1);
}

#[tokio::test]
async fn the_limit_of_the_token_endpoint_is_answered_as_one_likes_or_not_at_all() {
    let bench = limited_by(TokenLimit::Http400).await;
    let mut pair = bench.pair(ALICE, "offline_access").await;
    assert_eq!(refreshes(&bench, &mut pair, 49).await, 49);
    let limited = bench.token_response(&pair["refresh_token"]).await;
    assert_eq!(limited.headers()["x-ogw-ratelimit-reset"], "1");
    let (status, body) = read(limited).await;
    assert_eq!((status, &body["code"]), (400, &json!(99_991_400)));
    bench.control("/control/rate_limits", &json!({"token_endpoint": "http429"})).await;
    assert_eq!(bench.refresh(&pair["refresh_token"]).await.0, 429);
    for off in [json!({"token_endpoint": "off"}), json!({"token_endpoint": "http429", "enabled": false})] {
        bench.control("/control/rate_limits", &off).await;
        assert_eq!(refreshes(&bench, &mut pair, 60).await, 60, "{off}");
    }
}
