use cardkey_sandbox::ALICE;
use serde_json::json;

use crate::bench::{Bench, CREATE, card};

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
