//! W30 and its neighbours: each refused with its own word, nothing kept, counted.

use cardkey_sandbox::{ALICE, BOB, WECHAT_APP_ID};
use serde_json::{Value, json};

use super::{IDENTITIES, path, world};
use crate::harness::{APP, World};

async fn refused(world: &World, row: &str, body: &Value, expected: (u16, &str)) -> Value {
    let reply = world.identify(body).await;
    assert_eq!((reply.status, reply.problem().as_str()), expected, "{row}: {}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{row}");
    reply.json()
}

#[tokio::test]
async fn codes_that_name_nobody() {
    let world = world().await;
    let code = world.login_code(ALICE).await;
    assert_eq!(world.identify(&json!({ "code": code })).await.status, 200);
    let bad = (400, "login-code-invalid");
    let used = refused(&world, "40163", &json!({ "code": code }), bad).await;
    assert_eq!((&used["reason"], &used["field"]), (&json!("used"), &json!("code")));
    let unknown = refused(&world, "40029", &json!({ "code": "0nobodys" }), bad).await;
    assert_eq!(unknown["reason"], "unknown");
    let late = world.login_code(ALICE).await;
    world.weixin("clock", &json!({ "advance_ms": 301_000 })).await;
    assert_eq!(refused(&world, "over", &json!({ "code": late }), bad).await["reason"], "unknown");
    let added = json!({ "app_id": "wx0123456789abcdef" });
    world.weixin("apps", &added).await;
    let body = json!({ "open_id": ALICE, "app_id": "wx0123456789abcdef" });
    let other = world.weixin("login", &body).await["code"].clone();
    refused(&world, "another app's", &json!({ "code": other }), bad).await;
    assert_eq!((world.logins("code_used").await, world.logins("code_unknown").await), (1, 3));
    world.end().await;
}

#[tokio::test]
async fn the_platform_says_no() {
    let world = world().await;
    let says = |errcode: i64| json!({ "kind": "status", "status": 200, "body": { "errcode": errcode, "errmsg": "x" } });
    for (row, action, expected, counted) in [
        ("-1 busy", says(-1), (503, "platform-unavailable"), "unavailable"),
        ("45011 throttled", says(45_011), (429, "too-many-logins"), "too_often"),
        ("40226 blocked", says(40_226), (403, "login-blocked"), "blocked"),
        ("40125 wrong secret", says(40_125), (502, "app-misconfigured"), "misconfigured"),
        ("41002 our mistake", says(41_002), (422, "platform-refused"), "refused"),
        ("no answer", json!({ "kind": "drop" }), (503, "platform-unavailable"), "unavailable"),
        ("no JSON", json!({ "kind": "body", "body_text": "<html>" }), (503, "platform-unavailable"), "unavailable"),
    ] {
        let before = world.logins(counted).await;
        world.weixin_fault("code_to_session", &action).await;
        let code = world.login_code(ALICE).await;
        let told = refused(&world, row, &json!({ "code": code }), expected).await;
        assert_eq!(told.get("retry_after_seconds").is_some(), matches!(expected.0, 429 | 503), "{row}");
        assert_eq!(world.logins(counted).await, before + 1, "{row}");
    }
    let code = world.login_code(ALICE).await;
    world.weixin_fault("code_to_session", &json!({ "kind": "lose_answer" })).await;
    refused(&world, "the answer is lost", &json!({ "code": code }), (503, "platform-unavailable")).await;
    let again = refused(&world, "the same code", &json!({ "code": code }), (400, "login-code-invalid")).await;
    assert_eq!(again["reason"], "used", "the platform had acted");
    world.end().await;
}

#[tokio::test]
async fn a_person_logs_in_a_hundred_times_a_minute_and_no_more() {
    let world = world().await;
    for _ in 0..100 {
        assert_eq!(world.log_in(ALICE, &json!({})).await.status, 200);
    }
    let reply = world.log_in(ALICE, &json!({})).await;
    assert_eq!((reply.status, reply.problem().as_str()), (429, "too-many-logins"));
    assert_eq!(reply.header("retry-after"), "60");
    assert_eq!(world.log_in(BOB, &json!({})).await.status, 200, "others log in");
    world.end().await;
}

/// What a client hands over that is wrong in one thing: whose data, what the platform's client put in, and what was done to them.
type Row = (&'static str, &'static str, Value, fn(&mut Value));

fn rows() -> Vec<Row> {
    let as_given: fn(&mut Value) = |_| ();
    let no_wrong = || json!({});
    vec![
        ("another app's watermark", ALICE, json!({ "watermark_appid": "wx0123456789abcdef" }), as_given),
        ("an old watermark", ALICE, json!({ "age_s": 400 }), as_given),
        ("a watermark of the time to come", ALICE, json!({ "age_s": -400 }), as_given),
        ("no watermark", ALICE, json!({ "no_watermark": true }), as_given),
        ("another person inside", ALICE, json!({ "open_id": "onobody" }), as_given),
        ("bad padding", ALICE, json!({ "bad_padding": true }), as_given),
        ("no JSON inside", ALICE, json!({ "text": "hello" }), as_given),
        ("Bob's data", BOB, no_wrong(), as_given),
        ("truncated", ALICE, no_wrong(), |given| cut(given, 64)),
        ("not whole blocks", ALICE, no_wrong(), |given| cut(given, 60)),
        ("nothing", ALICE, no_wrong(), |given| cut(given, 0)),
        ("no base64", ALICE, no_wrong(), |given| given["encrypted_data"] = json!("%")),
        ("another iv", ALICE, no_wrong(), |given| given["iv"] = json!("AAAAAAAAAAAAAAAAAAAAAA==")),
        ("a short iv", ALICE, no_wrong(), |given| given["iv"] = json!("AAAA")),
        ("unsigned", ALICE, no_wrong(), |given| given["signature"] = json!("")),
        ("another signature", ALICE, no_wrong(), |given| given["signature"] = json!("0".repeat(40))),
        ("signed text that was changed", ALICE, no_wrong(), |given| {
            given["raw_data"] = json!(given["raw_data"].as_str().unwrap().replace("Alice", "Boss"));
        }),
    ]
}

fn cut(given: &mut Value, length: usize) {
    given["encrypted_data"] = json!(given["encrypted_data"].as_str().unwrap()[..length]);
}

#[tokio::test]
async fn data_that_are_not_genuine_are_all_refused_in_the_same_words() {
    let world = world().await;
    for person in [ALICE, BOB] {
        world.log_in(person, &json!({})).await;
    }
    let mut answers = Vec::new();
    for (row, person, wrong, change) in rows() {
        // Each is made just before its login, so that nothing is wrong but what the row says.
        let mut given = world.user_info(person, &wrong).await;
        change(&mut given);
        given["code"] = json!(world.login_code(ALICE).await);
        answers.push(refused(&world, row, &given, (422, "data-not-genuine")).await);
        let right = world.user_info(ALICE, &json!({})).await;
        assert_eq!(world.log_in(ALICE, &right).await.status, 200, "{row}: and what is right is taken");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nobody learns what was wrong: {answers:?}");
    assert_eq!(world.logins("not_genuine").await, answers.len() as u64);
    world.end().await;
}

#[tokio::test]
async fn requests_that_cannot_be_read_reach_no_platform() {
    let world = world().await;
    let invalid = (400, "invalid-request");
    for (row, body) in [
        ("no code", json!({})),
        ("an empty code", json!({ "code": "" })),
        ("a blank in it", json!({ "code": "a b" })),
        ("a long code", json!({ "code": "a".repeat(513) })),
        ("a code as a number", json!({ "code": 1 })),
        ("an unknown field", json!({ "code": "a", "session_key": "b" })),
        ("data without iv", json!({ "code": "a", "encrypted_data": "b" })),
        ("iv without data", json!({ "code": "a", "iv": "b" })),
        ("data without signature", json!({ "code": "a", "raw_data": "b" })),
        ("an empty phone code", json!({ "code": "a", "phone_code": "" })),
        ("a list", json!([])),
    ] {
        refused(&world, row, &body, invalid).await;
    }
    assert_eq!(world.weixin_calls("code_to_session"), 0);
    world.end().await;
}

#[tokio::test]
async fn callers_and_apps_that_it_is_not_for() {
    let world = world().await;
    let code = json!({ "code": world.login_code(ALICE).await });
    for (row, apps, scopes, expected) in [
        ("without the permission", &[WECHAT_APP_ID][..], "apaas:app:read", (403, "scope-not-allowed")),
        ("for another app", &[APP][..], IDENTITIES, (403, "app-not-allowed")),
    ] {
        let key = world.new_key("other", apps, scopes).await;
        for rest in ["", "/session", "/share-code"] {
            let body = match rest {
                "" => code.clone(),
                "/session" => json!({ "subject": "o1" }),
                _ => json!({ "scene": "a" }),
            };
            let reply = world.send(world.http.post(world.url(&path(rest))).bearer_auth(&key).json(&body)).await;
            assert_eq!((reply.status, reply.problem().as_str()), expected, "{row} {rest}");
        }
    }
    let both = world.new_key("both", &[WECHAT_APP_ID, APP], IDENTITIES).await;
    for (row, place, expected) in [
        ("an app without logins", format!("/v1/identities/feishu/{APP}"), (422, "not-offered")),
        ("another platform's path", format!("/v1/identities/feishu/{WECHAT_APP_ID}"), (404, "unknown-app")),
        ("an unknown app", "/v1/identities/wechat/wx1".to_owned(), (404, "unknown-app")),
        ("an unknown platform", format!("/v1/identities/none/{WECHAT_APP_ID}"), (404, "unknown-app")),
        ("what is no text", "/v1/identities/wechat/%ff".to_owned(), (404, "unknown-app")),
    ] {
        let reply = world.send(world.http.post(world.url(&place)).bearer_auth(&both).json(&code)).await;
        assert_eq!((reply.status, reply.problem().as_str()), expected, "{row}");
    }
    let without = world.send(world.http.post(world.url(&path(""))).json(&code)).await;
    assert_eq!((without.status, without.problem().as_str()), (401, "unauthorized"));
    let got = world.get(&path("")).await;
    assert_eq!((got.status, got.problem().as_str()), (405, "method-not-allowed"));
    assert_eq!(world.weixin_calls("code_to_session"), 0, "the code was spent for none of it");
    assert_eq!(world.identify(&code).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn no_user_token_is_pretended() {
    let mut world = world().await;
    world.key = world.new_key("hopeful", &[WECHAT_APP_ID], "profile").await;
    let body = json!({ "app": WECHAT_APP_ID, "subject": "o1", "scopes": ["profile"] });
    let reply = world.post("/v1/tokens", &body).await;
    assert_eq!((reply.status, reply.problem().as_str()), (422, "not-offered"));
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let readiness = world.readiness_is("ok").await;
    let apps: Vec<&Value> = readiness["apps"].as_array().unwrap().iter().map(|app| &app["app"]).collect();
    assert_eq!(apps, [APP], "nobody waits for events of an app that has none");
    world.end().await;
}
