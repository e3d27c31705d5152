//! Answers that cannot be used: the code is spent, the person is asked again, nothing is half stored.

use serde_json::{Value, json};

use super::*;

const BOMB: &[u8] = include_bytes!("../../fixtures/http/bomb.json.gz");

/// A38: refusals.
fn refusals() -> Vec<(&'static str, Value)> {
    vec![
        ("A38 200 and a code", body(r#"{"code":20065,"msg":"used"}"#)),
        ("A38 200, a code and tokens", body(&pair_with("code", json!(20003)).to_string())),
        ("A38 a code of another app", body(r#"{"code":20024}"#)),
        ("A38 an unknown code", body(r#"{"code":77777}"#)),
        ("A38 an error of OAuth", json!({ "kind": "status", "status": 400, "body": { "error": "invalid_grant" } })),
        ("A38 5xx", json!({ "kind": "status", "status": 500, "body": { "code": 20050 } })),
    ]
}

/// A42 to A45: fields that cannot be what they are there for.
pub(crate) fn fields() -> Vec<(&'static str, Value)> {
    let lives = [json!(0), json!(-1), json!(1e18), json!("soon"), json!(7200.5), json!(true), json!(null)];
    let lives = lives.into_iter().map(|life| ("A42", pair_with("expires_in", life)));
    let texts = ["a\r\nX-Evil: 1", "a\nb", "a\0b", "a b", "tökén", ""];
    let accesses = texts.map(|text| ("A43 access", pair_with("access_token", json!(text))));
    let refreshes = texts[..5].iter().map(|text| ("A43 refresh", pair_with("refresh_token", json!(text))));
    let others = [
        ("A44 access", pair_with("access_token", json!(format!("{ACCESS}{}", "x".repeat(64 * 1024 - 500))))),
        ("A44 refresh", pair_with("refresh_token", json!(format!("{REFRESH}{}", "x".repeat(9 * 1024))))),
        ("A45 another type", pair_with("token_type", json!("DPoP"))),
        ("A45 no type", pair_with("token_type", json!(null))),
        ("A45 not a text", pair_with("token_type", json!(1))),
    ];
    let all = lives.chain(accesses).chain(refreshes).chain(others);
    all.map(|(row, answer)| (row, body(&answer.to_string()))).collect()
}

/// A46: bodies that are no JSON object.
pub(crate) fn bodies() -> Vec<(&'static str, Value)> {
    let pair = pair().to_string();
    vec![
        ("A46 empty", body("")),
        ("A46 HTML", body("<html>502 Bad Gateway</html>")),
        ("A46 BOM", body(&format!("\u{feff}{pair}"))),
        ("A46 garbage behind", body(&format!("{pair}garbage"))),
        ("A46 two objects", body(&format!("{pair}{pair}"))),
        ("A46 a list", body(&format!("[{pair}]"))),
        ("A46 duplicate keys", body(&pair.replacen('{', r#"{"access_token":"eyJother","#, 1))),
        ("A46 deep", body(&format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000)))),
        ("A46 10 MB", raw("", pair.len() + TEN_MB, &[pair.as_bytes(), &vec![b' '; TEN_MB]].concat())),
        ("A46 not UTF-8", raw("", 26, b"{\"access_token\":\"\xff\xfe\"}    ")),
        ("A46 gzip bomb", raw("content-encoding: gzip\r\n", BOMB.len(), BOMB)),
        ("A46 shorter than it says", raw("", pair.len() + 10, pair.as_bytes())),
        ("A46 not HTTP", json!({ "kind": "raw", "bytes_base64": STANDARD.encode("SSH-2.0-OpenSSH_9.9\r\n") })),
    ]
}

const TEN_MB: usize = 10 * 1024 * 1024;

/// Bytes as they are, as an answer of HTTP that says to be this long.
fn raw(head: &str, length: usize, content: &[u8]) -> Value {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}content-length: {length}\r\n\r\n");
    json!({ "kind": "raw", "bytes_base64": STANDARD.encode([head.as_bytes(), content].concat()) })
}

/// A47, A48: elsewhere, and too late. What the platform does after our time-out (20 s) looks like an answer that was
/// lost: that is what is played here; the time-out itself is in the unit tests.
pub(crate) fn fates(elsewhere: &str) -> Vec<(&'static str, Value)> {
    let redirect = |status: u16| json!({ "kind": "status", "status": status, "headers": { "location": elsewhere } });
    vec![
        ("A47 301", redirect(301)),
        ("A47 302", redirect(302)),
        ("A47 307", redirect(307)),
        ("A47 308", redirect(308)),
        ("A48 done, and the answer lost", json!({ "kind": "lose_answer" })),
        ("A48 dropped", json!({ "kind": "drop" })),
    ]
}

#[tokio::test]
async fn the_person_is_asked_again_and_nothing_is_kept() {
    let world = World::new().await;
    let elsewhere = format!("{}/open-apis/elsewhere", world.sandbox.base_url());
    for (row, answer) in [refusals(), fields(), bodies(), fates(&elsewhere)].concat() {
        let (exchanges, others) = (world.calls("oauth_token").await, world.calls("other").await);
        let (session, page) = world.consents(READ, &answer).await;
        assert_eq!(page.mood(), "calm", "{row}: the person is told to try again: {}", page.reply.text);
        assert_eq!(world.status(&session).await, "pending", "{row}");
        assert_eq!(world.grants().await, Vec::<Value>::new(), "{row}");
        assert_eq!(world.calls("oauth_token").await, exchanges + 1, "{row}: a code is sent once");
        assert_eq!(world.calls("other").await, others, "{row}: no redirect is followed");
        assert_eq!(world.audited(&session), 2, "{row}: opened, and that the code brought nothing");
        world.withdraw(&session).await;
    }
    assert_eq!(world.calls("user_info").await, 0, "nobody was asked whose these are");
    world.end().await;
}

#[tokio::test]
async fn a48_after_a_lost_answer_the_second_try_works() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        world.token_endpoint(&json!({ "kind": "lose_answer" }));
        let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "calm", "A48: {}", page.reply.text);
        let again = world.card_turns(ALICE, "turquoise").await;
        let page = world.visit(&World::card_link(&again), ALICE, "allow").await;
        assert_eq!(page.mood(), "good", "A48: {}", page.reply.text);
    });
    assert_eq!(reply.status, 200, "A48: {}", reply.text);
    assert_eq!(world.grants().await[0]["generation"], 1, "A48: what was lost left nothing behind");
    world.end().await;
}

#[tokio::test]
async fn a38_a_code_that_the_platform_did_not_look_at_is_sent_again() {
    let world = World::new().await;
    for (row, answer) in [
        ("A38 20072", json!({ "kind": "status", "status": 503, "body": { "code": 20072 } })),
        ("A38 429", json!({ "kind": "status", "status": 429, "body": { "code": 99_991_400 } })),
    ] {
        let exchanges = world.calls("oauth_token").await;
        let (session, _) = world.consents(READ, &answer).await;
        assert_eq!(world.ended(&session).await["status"], "completed", "{row}");
        assert_eq!(world.calls("oauth_token").await, exchanges + 2, "{row}");
        let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
        let delete = world.http.delete(world.url(&format!("/v1/grants/{id}"))).bearer_auth(&world.key);
        assert_eq!(world.send(delete).await.status, 204, "{row}");
    }
    world.end().await;
}

#[tokio::test]
async fn three_codes_that_bring_nothing_are_enough() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        for (colour, mood) in [("blue", "calm"), ("turquoise", "calm"), ("turquoise", "bad")] {
            let card = world.card_turns(ALICE, colour).await;
            world.token_endpoint(&body(r#"{"code":20003}"#));
            let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
            assert_eq!(page.mood(), mood, "A38: {}", page.reply.text);
        }
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "auth-failed"), "A38: {}", reply.text);
    assert_eq!(reply.json()["reason"], "refused", "A38");
    world.card_turns(ALICE, "carmine").await;
    assert_eq!(world.grants().await, Vec::<Value>::new());
    world.end().await;
}

#[tokio::test]
async fn when_the_app_is_at_fault_the_person_is_not_asked_again() {
    let world = World::new().await;
    for code in [20002, 20029, 20048, 20069, 20071] {
        let answer = json!({ "kind": "status", "status": 400, "body": { "code": code } });
        let (session, page) = world.consents(READ, &answer).await;
        assert_eq!(page.mood(), "bad", "{code}: {}", page.reply.text);
        let ended = world.ended(&session).await;
        assert_eq!((&ended["status"], &ended["reason"]), (&json!("failed"), &json!("misconfigured")), "{code}");
    }
    assert_eq!(world.grants().await, Vec::<Value>::new());
    world.end().await;
}
