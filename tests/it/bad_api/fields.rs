//! Bodies of `POST /v1/tokens` that are refused, field by field; and the largest values that are not.

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use super::{READ, assert_problem};
use crate::harness::{APP, World};

fn body_with(name: &str, value: Value) -> Value {
    let mut body = World::body(ALICE, READ, &json!({}));
    body[name] = value;
    body
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("scope:{n}")).collect()
}

/// Wrong values, by field.
fn wrong_fields() -> Vec<(&'static str, Value)> {
    let texts = ["", " ", "a b", "a\nb", "a\0b", "äpp", "\u{202e}", "\u{7f}"].map(Value::from);
    let long = json!("x".repeat(129));
    let others = [json!(null), json!(1), json!(true), json!([]), json!({})];
    let ids = texts.iter().chain([&long]).chain(&others);
    let ids = ids.flat_map(|value| [("app", value.clone()), ("subject", value.clone())]);
    let names_of = [json!([""]), json!(["a b"]), json!(["a\"b"]), json!(["a\\b"]), json!(["ä"]), json!([long.clone()])];
    let scopes = names_of.into_iter().chain([
        json!([]),
        json!(names(201)),
        json!(null),
        json!("apaas:app:read"),
        json!([1]),
        json!([["a"]]),
        json!({ "a": 1 }),
    ]);
    let ttl =
        [json!(-1), json!(3_601), json!(1.5), json!("60"), json!(1e30), json!(null), json!([60]), json!(u64::MAX)];
    let reason = [json!("x".repeat(201)), json!("页".repeat(201)), json!("a\nb"), json!("a\0b"), json!(1), json!({})];
    let notify =
        [json!("mail"), json!("CARD"), json!(""), json!(null), json!(1), json!(["card"]), json!({ "card": 1 })];
    ids.chain(scopes.map(|value| ("scopes", value)))
        .chain(ttl.map(|value| ("min_ttl_seconds", value)))
        .chain(reason.map(|value| ("reason", value)))
        .chain(notify.map(|value| ("notify", value)))
        .chain([("unknown", json!(1)), ("App", json!(APP)), ("wait", json!(10)), ("redirect_uri", json!("https://x"))])
        .collect()
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nobody_is_asked() {
    let world = World::new().await;
    let calls = world.platform_calls().await;
    for (field, value) in wrong_fields() {
        let row = format!("{field} = {}", value.to_string().chars().take(60).collect::<String>());
        let refusals = world.refusals();
        let reply = world.post("/v1/tokens", &body_with(field, value)).await;
        assert_problem(&row, &reply, 400, "invalid-request");
        assert_eq!(world.refusals(), refusals + 1, "{row}");
    }
    for field in ["app", "subject", "scopes"] {
        let mut body = World::body(ALICE, READ, &json!({}));
        body.as_object_mut().unwrap().remove(field);
        let reply = world.post("/v1/tokens", &body).await;
        assert_problem(field, &reply, 400, "invalid-request");
        assert!(reply.json()["detail"].as_str().unwrap().contains(field), "missing {field}: {}", reply.text);
    }
    assert_eq!(world.platform_calls().await, calls, "nothing was sent to the platform");
    world.end().await;
}

/// What somebody put into the wrong field may be a secret; it is told to nobody.
#[tokio::test]
async fn a_value_is_not_repeated() {
    let world = World::new().await;
    let token = "u-CANARY-that-was-put-into-the-wrong-field";
    for (field, value) in [
        ("scopes", json!(token)),
        ("min_ttl_seconds", json!(token)),
        ("notify", json!(token)),
        ("notify", json!({ token: 1 })),
        ("scopes", json!([format!("{token} \"")])),
        ("reason", json!(format!("{token}\n"))),
        ("app", json!(format!("{token} "))),
        ("scopes", json!([{ token: token }])),
    ] {
        let reply = world.post("/v1/tokens", &body_with(field, value)).await;
        assert_problem(field, &reply, 400, "invalid-request");
        assert!(!reply.text.contains("CANARY"), "{field}: {}", reply.text);
    }
    world.end().await;
}

#[tokio::test]
async fn a_body_that_is_not_one_json_object_is_refused() {
    let world = World::new().await;
    let calls = world.platform_calls().await;
    let good = World::body(ALICE, READ, &json!({})).to_string();
    let doubled = good.replacen('{', &format!("{{\"subject\":\"{ALICE}\","), 1);
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    for (row, text) in [
        ("empty", Vec::new()),
        ("no JSON", b"app=x".to_vec()),
        ("null", b"null".to_vec()),
        ("list", format!("[{good}]").into_bytes()),
        ("text", b"\"x\"".to_vec()),
        ("truncated", good[..good.len() - 1].into()),
        ("garbage behind", format!("{good}x").into_bytes()),
        ("two", format!("{good}{good}").into_bytes()),
        ("BOM", format!("\u{feff}{good}").into_bytes()),
        ("a key twice", doubled.into_bytes()),
        ("NaN", good.replace("\"reason\":null", "").replacen('{', "{\"min_ttl_seconds\":NaN,", 1).into_bytes()),
        ("lone surrogate", good.replacen('{', r#"{"reason":"\ud800","#, 1).into_bytes()),
        (
            "X4 not UTF-8",
            good.replacen(ALICE, "\u{1}", 1).into_bytes().iter().map(|b| if *b == 1 { 0xff } else { *b }).collect(),
        ),
        ("D6 deep", deep.clone().into_bytes()),
        ("D6 deep in a field", good.replacen('{', &format!("{{\"reason\":{deep},"), 1).into_bytes()),
    ] {
        let reply = world.post_text("application/json", text).await;
        assert_problem(row, &reply, 400, "invalid-request");
    }
    for (row, kind) in [
        ("none", ""),
        ("form", "application/x-www-form-urlencoded"),
        ("text", "text/plain"),
        ("like it", "application/jsonx"),
        ("problem", "application/problem+json"),
    ] {
        assert_problem(row, &world.post_text(kind, good.clone()).await, 415, "unsupported-media-type");
    }
    let request = world.http.post(world.url("/v1/tokens")).bearer_auth(&world.key).header("content-encoding", "gzip");
    let zipped = include_bytes!("../../fixtures/http/bomb.json.gz").as_slice();
    let reply = world.send(request.header("content-type", "application/json").body(zipped)).await;
    assert_problem("D7 compressed", &reply, 415, "unsupported-media-type");
    assert_eq!(world.platform_calls().await, calls, "nothing was sent to the platform");
    world.end().await;
}

#[tokio::test]
async fn the_largest_values_are_taken() {
    let world = World::new().await;
    for (row, more) in [
        ("reason of 200 characters", json!({ "reason": "页".repeat(200) })),
        ("no reason", json!({ "reason": null })),
        ("empty reason", json!({ "reason": "" })),
        ("the longest life", json!({ "min_ttl_seconds": 3_600 })),
    ] {
        assert_eq!(world.ask_for(ALICE, READ, &more).await.status, 202, "{row}");
    }
    let scopes = names(200).join(" ");
    let key = world.new_key("many", &[APP], &scopes).await;
    let scopes: Vec<&str> = scopes.split(' ').collect();
    let body = World::body(cardkey_sandbox::BOB, &scopes, &json!({ "notify": "link" }));
    assert_eq!(world.ask_with_key(&key, &body).await.status, 202, "200 scopes");
    let subject = "x".repeat(128);
    let reply = world.ask_for(&subject, READ, &json!({})).await;
    assert_problem("a subject of 128 characters", &reply, 422, "recipient-unreachable");
    let charset = world.post_text("application/json; charset=utf-8", World::body(ALICE, READ, &json!({})).to_string());
    assert_eq!(charset.await.status, 202);
    world.end().await;
}
