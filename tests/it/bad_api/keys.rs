//! K1 to K10.

use std::time::Duration;

use cardkey::domain::ids::ApiKeyId;
use cardkey_sandbox::ALICE;
use serde_json::json;

use super::{READ, assert_problem};
use crate::harness::{APP, Reply, World};

impl World {
    /// Asks with these `Authorization` lines.
    async fn authorized(&self, lines: &[&[u8]]) -> Reply {
        let request = self.http.post(self.url("/v1/tokens")).json(&Self::body(ALICE, READ, &json!({})));
        let value = |line: &&[u8]| reqwest::header::HeaderValue::from_bytes(line).unwrap();
        self.send(lines.iter().map(value).fold(request, |request, line| request.header("authorization", line))).await
    }
}

#[tokio::test]
async fn a_key_that_is_not_one_opens_nothing() {
    let world = World::new().await;
    let bystander = world.bystander().await;
    let before = world.standing(&bystander).await;
    let key = world.key.clone();
    let (id, secret) = (&key[3..15], &key[16..]);
    let other = world.new_key("other", &[APP], "apaas:app:read").await;
    let flipped = format!("{}{}", if secret.starts_with('x') { 'y' } else { 'x' }, &secret[1..]);
    let long = "a".repeat(20_000);
    for (row, line) in [
        ("K1 empty", String::new()),
        ("K1 scheme only", "Bearer".to_owned()),
        ("K1 scheme and a blank", "Bearer ".to_owned()),
        ("K1 another scheme", format!("Basic {key}")),
        ("K1 no scheme", key.clone()),
        ("K2 prefix only", "Bearer ck_".to_owned()),
        ("K2 prefix and id", format!("Bearer ck_{id}")),
        ("K2 no secret", format!("Bearer ck_{id}_")),
        ("K3 right id, wrong secret", format!("Bearer ck_{id}_{flipped}")),
        ("K3 right id, another's secret", format!("Bearer ck_{id}_{}", &other[16..])),
        ("K3 unknown id", format!("Bearer ck_000000000000_{secret}")),
        ("K6 two in one line", format!("Bearer {key}, Bearer {key}")),
        ("K7 two blanks before it", format!("Bearer  {key}")),
        ("K7 a line break, escaped", format!("Bearer {key}%0a")),
        ("K7 a tab inside", format!("Bearer {}\t{}", &key[..20], &key[20..])),
        ("K8 a Cyrillic letter", format!("Bearer сk_{id}_{secret}")),
        ("K8 upper case", format!("Bearer {}", key.to_uppercase())),
        ("K10 20 kB", format!("Bearer ck_{id}_{long}")),
    ] {
        let refusals = world.refusals();
        let reply = world.authorized(&[line.as_bytes()]).await;
        assert_problem(row, &reply, 401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{row}");
        assert_eq!(world.refusals(), refusals + 1, "{row}: one line in the audit trail");
    }
    // K7, a blank or a line break at the end: HTTP itself takes blanks off and has no line breaks in a value.
    assert_eq!(world.authorized(&[format!("Bearer {key} ").as_bytes()]).await.status, 202, "K7");
    world.clock.advance(Duration::from_secs(61));
    let lines = [format!("Bearer {key}"), format!("Bearer {other}")];
    for (row, lines) in [("K6 two keys", [&lines[0], &lines[1]]), ("K6 the same twice", [&lines[0], &lines[0]])] {
        let refusals = world.refusals();
        assert_problem(row, &world.authorized(&lines.map(String::as_bytes)).await, 400, "invalid-request");
        assert_eq!(world.refusals(), refusals + 1, "{row}");
    }
    assert_eq!(world.standing(&bystander).await.session(), before.session());
    assert_eq!(world.messages(ALICE).await.len(), 1, "the one good key asked once, the others never");
    world.end().await;
}

#[tokio::test]
async fn k3_a_wrong_secret_and_an_unknown_id_look_alike() {
    let world = World::new().await;
    let secret = &world.key[16..];
    let unknown = world.authorized(&[format!("Bearer ck_000000000000_{secret}").as_bytes()]).await;
    let other = world.new_key("other", &[APP], "apaas:app:read").await;
    let wrong = world.authorized(&[format!("Bearer {}{secret}", &other[..16]).as_bytes()]).await;
    assert_eq!((unknown.status, &unknown.text), (wrong.status, &wrong.text), "K3");
    let headers = |reply: &Reply| {
        let mut all = reply.headers.clone();
        all.remove("date");
        all
    };
    assert_eq!(headers(&unknown), headers(&wrong), "K3");
    // That no byte of the secret is told by the time it takes: it is compared as a keyed hash, in constant time.
    let mac = include_str!("../../../src/vault/mac.rs");
    assert!(mac.contains("expected.ct_eq(&mac.tag)") && !mac.contains("== mac.tag"), "K3");
    world.end().await;
}

#[tokio::test]
async fn k4_a_revoked_key_opens_nothing_from_the_next_call_on() {
    let world = World::new().await;
    let asked = world.ask(READ).await;
    let id = ApiKeyId::parse(&world.key[3..15]).unwrap();
    let store = world.gateway().store();
    assert!(store.revoke_api_key(&id, cardkey::domain::clock::Timestamp::from_secs(1)).await.unwrap());
    assert_problem("K4", &world.ask(READ).await, 401, "unauthorized");
    assert_problem("K4", &world.get(&format!("/v1/auth-sessions/{}", asked.session())).await, 401, "unauthorized");
    assert_problem("K4", &world.get("/v1/grants").await, 401, "unauthorized");
    assert_problem("K4", &world.delete("/v1/grants/x", &world.key).await, 401, "unauthorized");
    world.end().await;
}

#[tokio::test]
async fn k5_a_key_in_the_address_is_refused_and_flagged() {
    let world = World::new().await;
    let key = &world.key;
    let escaped = key.replace('_', "%5F");
    for query in [
        format!("key={key}"),
        format!("access_token={key}"),
        format!("x=1&api_key={key}"),
        format!("key={escaped}"),
        format!("key=%63{}", &key[1..]),
        key.clone(),
        format!("{key}=1"),
        format!("key=Bearer%20{key}"),
    ] {
        let refusals = world.audited("key-in-query");
        for authorized in [true, false] {
            let request = world.http.get(world.url(&format!("/v1/grants?{query}")));
            let request = if authorized { request.bearer_auth(key) } else { request };
            assert_problem("K5", &world.send(request).await, 400, "key-in-query");
        }
        assert!(world.audited("key-in-query") >= refusals + 2, "K5: flagged");
    }
    world.end().await;
}

#[tokio::test]
async fn k9_a_key_opens_what_it_names_and_nothing_else() {
    let world = World::new().await;
    let key = world.new_key("narrow", &[APP], "apaas:app:read").await;
    let scopes = ["apaas:app:read", "apaas:workspace:read", "offline_access"];
    let refusals = world.refusals();
    let reply = world.ask_with_key(&key, &World::body(ALICE, &scopes, &json!({}))).await;
    assert_problem("K9", &reply, 403, "scope-not-allowed");
    assert_eq!(reply.json()["missing_scopes"], json!(["apaas:workspace:read", "offline_access"]), "K9");
    assert_eq!(world.refusals(), refusals + 1, "K9");
    assert_eq!(world.messages(ALICE).await.len(), 0, "K9: nobody is asked");

    world.granted(&scopes[..2]).await;
    let reply = world.ask_with_key(&key, &World::body(ALICE, &scopes[..2], &json!({}))).await;
    assert_problem("K9 also for what is granted", &reply, 403, "scope-not-allowed");
    assert_eq!(world.ask_with_key(&key, &World::body(ALICE, READ, &json!({}))).await.status, 200, "K9");
    world.end().await;
}

#[tokio::test]
async fn k10_a_head_of_a_megabyte_is_not_read() {
    let world = World::new().await;
    let head =
        format!("GET /v1/grants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ck_{}\r\n\r\n", "a".repeat(1 << 20));
    let answer = world.raw(head.as_bytes()).await;
    // The HTTP library refuses it before there is a request: no body, and nothing for the audit trail.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "K10: {answer}");
    assert_eq!(world.get("/v1/grants").await.status, 200, "K10: others are served");
    world.end().await;
}

#[tokio::test]
async fn wrong_keys_are_slow_to_try() {
    let world = World::new().await;
    for n in 0..20 {
        let reply = world.authorized(&[format!("Bearer ck_{n:012x}_{}", "a".repeat(43)).as_bytes()]).await;
        assert_problem("wrong key", &reply, 401, "unauthorized");
    }
    let reply = world.authorized(&[b"Bearer ck_000000000000_x"]).await;
    assert_problem("one too many", &reply, 429, "too-many-wrong-keys");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    world.clock.advance(Duration::from_secs(wait));
    assert_eq!(world.ask(READ).await.status, 202, "when the time is over the right key is taken");
    world.end().await;
}
