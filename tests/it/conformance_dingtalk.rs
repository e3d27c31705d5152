//! The sandbox is taken for DingTalk by that platform's own clients: the official Python SDKs, unchanged, driven by
//! `tests/conformance/dingtalk_client.py` (Stream mode and cards) and `dingtalk_openapi_probe.py` (OAuth and cards).

use cardkey_sandbox::dingtalk::click::{self, Tap};
use cardkey_sandbox::dingtalk::robot;
use cardkey_sandbox::world::people::PersonId;
use cardkey_sandbox::{ALICE, DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, DINGTALK_TEMPLATE, Options, Sandbox};
use reqwest::Client;
use serde_json::{Value, json};

use crate::conformance::official;

fn alice(sandbox: &Sandbox) -> PersonId {
    sandbox.dingtalk().world.lock().people.find(ALICE).unwrap()
}

async fn client(sandbox: &Sandbox, script: &str, more: &[(&str, &str)]) -> Vec<Value> {
    let base_url = sandbox.base_url();
    let usual = [
        ("BASE_URL", base_url.as_str()),
        ("CLIENT_ID", DINGTALK_CLIENT_ID),
        ("CLIENT_SECRET", DINGTALK_CLIENT_SECRET),
        ("CARD_TEMPLATE", DINGTALK_TEMPLATE),
        ("TIMEOUT_S", "120"),
    ];
    official(script, &[&usual, more].concat()).await
}

/// The message of the person's first card and its variables, if the client has changed it.
fn changed_card(sandbox: &Sandbox, who: PersonId) -> Option<(String, Value)> {
    let state = sandbox.dingtalk().world.lock();
    let card = state.messages.of(who, 0).into_iter().find(|message| message.updated)?;
    Some((card.message_id.clone(), card.card["variables"].clone()))
}

/// The same, as soon as there is one.
async fn change_of_card(sandbox: &Sandbox, who: PersonId) -> (String, Value) {
    let mut versions = sandbox.dingtalk().world.versions();
    loop {
        versions.borrow_and_update();
        if let Some(card) = changed_card(sandbox, who) {
            return card;
        }
        versions.changed().await.unwrap();
    }
}

/// Two events, a message that is answered with a card, and a tap on that card.
async fn drive(sandbox: &Sandbox) -> (Value, Value) {
    let dingtalk = sandbox.dingtalk();
    let stream = dingtalk.stream(DINGTALK_CLIENT_ID).unwrap();
    stream.wait_for_connections(1).await;
    stream.push_event("e-1", "user_add_org", &json!({"userId": ["u1"]}));
    stream.push_event("e-2", "sim_later", &json!({"userId": ["u2"]}));
    let who = alice(sandbox);
    assert!(robot::say(dingtalk, who, DINGTALK_CLIENT_ID, "hello", false).unwrap().1);
    let (message_id, before) = change_of_card(sandbox, who).await;
    let params = json!({"action": "allow"});
    click::tap(dingtalk, &Tap { person: who, card: message_id.clone(), action_ids: vec!["go".to_owned()], params })
        .await
        .unwrap();
    let after = dingtalk.world.lock().messages.get(&message_id).unwrap().card["variables"].clone();
    (before, after)
}

#[tokio::test]
async fn the_official_stream_client_hears_everything_and_its_card_is_tapped() {
    let mut options = Options::default();
    options.dingtalk.callback_timeout = std::time::Duration::from_mins(1);
    let sandbox = Sandbox::start(options).await.unwrap();
    let (report, (before, after)) =
        tokio::join!(client(&sandbox, "dingtalk_client.py", &[("EVENTS", "4"), ("CALL_API", "1")]), drive(&sandbox));
    let kinds: Vec<_> = report.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "event").count(), 2, "{report:?}");
    assert!(kinds.contains(&"bot") && kinds.contains(&"card"), "{report:?}");
    assert_eq!(before, json!({"status": "done"}), "an update without options replaces the whole");
    assert_eq!(after, json!({"status": "authorizing", "mine": "yes"}), "the answer to the tap is applied");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_official_api_client_gets_tokens_a_person_and_a_card() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let who = alice(&sandbox);
    let http = Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: Value| -> Value {
        let url = format!("{}{path}", sandbox.base_url());
        serde_json::from_str(&http.post(url).json(&body).send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let code = post("/dingtalk/control/code", json!({"open_id": ALICE})).await;
    let app = json!({"appKey": DINGTALK_CLIENT_ID, "appSecret": DINGTALK_CLIENT_SECRET});
    let token = post("/v1.0/oauth2/accessToken", app).await;
    let user_id = sandbox.dingtalk().world.lock().people.get(who).user_id.clone();
    let space = format!("dtv1.card//IM_ROBOT.{user_id}");
    let variables = [
        ("CODE", code["code"].as_str().unwrap()),
        ("APP_TOKEN", token["accessToken"].as_str().unwrap()),
        ("OPEN_SPACE_ID", space.as_str()),
    ];
    let report = client(&sandbox, "dingtalk_openapi_probe.py", &variables).await;
    let refused: Vec<_> = report.iter().filter_map(|line| line["refused"].as_str()).collect();
    assert_eq!(refused, ["invalidParameter.authCode.notFound", "InvalidAuthentication"], "{report:?}");
    assert_eq!(sandbox.dingtalk().world.lock().messages.of(who, 0).len(), 1, "the card is in the chat");
    sandbox.stop().await;
}
