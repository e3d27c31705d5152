//! What the sandbox posts is taken by the official Python SDK (`tests/conformance/feishu_webhook.py`), and so are the golden
//! requests that the gateway's own tests are made of.

use cardkey_sandbox::feishu::webhook::letter::Letter;
use serde_json::{Value, json};

use super::envelope;
use crate::conformance::official;
use crate::harness::{APP, ENCRYPT_KEY, Setup, World, seals, verification_token};

const GOLDEN: &str = include_str!("../../fixtures/feishu/webhook_requests.json");

/// Shows these to the SDK; gives its answers by name.
async fn taken(key: &str, token: &str, letters: &Value) -> Vec<Value> {
    let letters = letters.to_string();
    let variables = [("ENCRYPT_KEY", key), ("VERIFICATION_TOKEN", token), ("LETTERS", letters.as_str())];
    let report = official("feishu_webhook.py", &variables).await;
    assert!(report.iter().all(|line| line["status"] == 200), "{report:?}");
    report.into_iter().map(|line| line["body"].clone()).collect()
}

fn named(name: &str, form: &str, letter: &Letter) -> Value {
    let mut all = json!(letter);
    all["name"] = json!(name);
    all["form"] = json!(form);
    all
}

#[tokio::test]
async fn the_official_client_takes_what_the_sandbox_posts() {
    let world = World::without_gateway(Setup::webhook()).await;
    let now_ms = u64::try_from(world.sandbox.feishu().clock.now_ms()).unwrap();
    let token = verification_token(APP);
    let question = json!({ "challenge": "c", "token": token, "type": "url_verification" });
    let mut tap = envelope("tap");
    tap["header"]["event_type"] = json!("card.action.trigger");
    tap["event"] = json!({ "operator": { "open_id": "ou_1" }, "token": "c-1", "action": { "tag": "button" } });
    let click = json!({ "open_id": "ou_1", "open_message_id": "om_1", "token": "c-1", "action": { "tag": "button" } });
    let toast = json!({ "toast": { "content": "ou_1" } });
    let letters = json!([
        named("question", "event", &seals(ENCRYPT_KEY).question(&question)),
        named("event", "event", &world.letter(&envelope("event"))),
        named("tap", "event", &world.letter(&tap)),
        named("click", "old_click", &seals(ENCRYPT_KEY).old_click(&click, now_ms)),
    ]);
    let answers = taken(ENCRYPT_KEY, &token, &letters).await;
    assert_eq!(answers, [json!({ "challenge": "c" }), json!({ "msg": "success" }), toast.clone(), toast]);
    world.end().await;
}

#[tokio::test]
async fn the_official_client_takes_the_golden_requests() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let requests = golden["requests"].as_array().unwrap();
    let letters = requests.iter().map(|request| {
        let headers: Vec<_> = request["headers"].as_object().unwrap().iter().collect();
        let form = if request["name"] == "card_action_1_0" { "old_click" } else { "event" };
        json!({ "name": request["name"], "form": form, "headers": headers, "body": request["body"] })
    });
    let (key, token) = (golden["encrypt_key"].as_str().unwrap(), golden["verification_token"].as_str().unwrap());
    let answers = taken(key, token, &letters.collect()).await;
    assert_eq!(answers.len(), requests.len());
    assert_eq!(answers[0]["challenge"], "ajls384kdjx98XX 好");
}
