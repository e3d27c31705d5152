//! Bad input: what the platform answers to a refresh, by the rows of `bad_answers` for codes, and chaos 44. What cannot be
//! used overwrites nothing and loses nothing: the pair stays, the outcome is counted as unclear, and the next try works.

use std::time::Duration;

use cardkey_sandbox::journal::Entry;
use serde_json::{Value, json};

use crate::bad_answers::refused::{bodies, fates, fields};
use crate::harness::{APP, Reply, World};

const READ: &[&str] = &["apaas:app:read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

/// Longer than the pause after an unclear refresh.
const PAUSE: Duration = Duration::from_secs(10);

fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

fn token(row: &str, reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{row}: {}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

/// A good answer with these tokens.
fn pair(number: u32, refresh_token: Option<&str>) -> Value {
    let mut pair = json!({
        "code": 0, "access_token": format!("eyJ-CANARY-access-{number}"), "expires_in": 7200, "token_type": "Bearer",
        "scope": "apaas:app:read offline_access",
    });
    if let Some(token) = refresh_token {
        pair["refresh_token"] = json!(token);
    }
    json!({ "kind": "body", "body_text": pair.to_string() })
}

impl World {
    /// The next refresh is answered so. Not by the control API, which takes no answers of megabytes.
    fn next_refresh(&self, action: &Value) {
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        let rule = json!({ "match": matches, "times": 1, "action": action });
        self.sandbox.feishu().faults.add(serde_json::from_value(rule).unwrap()).unwrap();
    }

    async fn refreshes_that_were(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_token_refresh_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")).await
    }

    /// The refresh token that was sent last, as the platform's log names it.
    fn sent_last(&self) -> String {
        self.sandbox.feishu().journal.read(0, refresh).last().unwrap().call.sent["refresh_token"].clone()
    }
}

#[tokio::test]
async fn what_cannot_be_used_overwrites_nothing_and_loses_nothing() {
    let world = World::new().await;
    world.granted(READ).await;
    let elsewhere = format!("{}/open-apis/elsewhere", world.sandbox.base_url());
    // The platform does nothing in these rows, so that the same token works afterwards.
    let rows = [fields(), bodies(), fates(&elsewhere)].concat();
    let rows: Vec<_> = rows.into_iter().filter(|(_, action)| action["kind"] != "lose_answer").collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for (number, (row, answer)) in (1..).zip(&rows) {
        world.advance(OVER).await;
        let before = world.grants().await;
        world.next_refresh(answer);
        let reply = world.ask(READ).await;
        assert_eq!((reply.status, reply.problem().as_str()), (503, "platform-unavailable"), "{row}: {}", reply.text);
        assert_eq!(world.refreshes_that_were("unclear").await, number, "{row}: counted as what it is");
        assert_eq!(world.grants().await, before, "{row}: nothing is overwritten");
        let sent = world.sent_last();
        world.advance(PAUSE).await;
        token(row, &world.ask(READ).await);
        assert_eq!(world.sent_last(), sent, "{row}: nothing is lost: the same token, once more");
    }
    assert_eq!(world.calls("other").await, 0, "no redirect is followed");
    assert_eq!(world.messages(cardkey_sandbox::ALICE).await, Vec::<Value>::new(), "nobody is asked");
    world.end().await;
}

#[tokio::test]
async fn chaos_44_a_refresh_token_that_is_not_replaced_is_kept() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(OVER).await;
    world.next_refresh(&pair(1, None));
    assert_eq!(token("none", &world.ask(READ).await), "eyJ-CANARY-access-1");
    let sent = world.sent_last();
    assert_eq!(world.grants().await[0]["refreshable"], true);
    world.advance(OVER).await;
    token("afterwards", &world.ask(READ).await);
    assert_eq!(world.sent_last(), sent, "the one that there is");
    world.end().await;
}

#[tokio::test]
async fn chaos_44_the_same_refresh_token_again_is_a_pair_like_any() {
    let world = World::new().await;
    world.granted(READ).await;
    let issued = world.sandbox.secrets();
    let same = issued.iter().find(|text| text.starts_with("eyJ") && !text.contains('.')).unwrap();
    world.advance(OVER).await;
    world.next_refresh(&pair(1, Some(same)));
    assert_eq!(token("the same", &world.ask(READ).await), "eyJ-CANARY-access-1");
    assert_eq!(world.grants().await[0]["generation"], 2);
    let sent = world.sent_last();
    world.advance(OVER).await;
    token("afterwards", &world.ask(READ).await);
    assert_eq!(world.sent_last(), sent, "it was kept");
    assert_eq!(world.grants().await[0]["generation"], 3);
    world.end().await;
}
