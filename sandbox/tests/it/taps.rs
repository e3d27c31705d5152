//! A card's life with a real long connection behind it: tap, answer, toast, new card, delayed update.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardkey_sandbox::{ALICE, BOB, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY, Options};
use serde_json::{Value, json};

use crate::bench::{Bench, card};
use crate::client::Client;

const UPDATE: &str = "/open-apis/interactive/v1/card/update";

/// Connects the way every client does: through the endpoint.
async fn connect(bench: &Bench) -> Client {
    let body = json!({"AppID": DEFAULT_APP_ID, "AppSecret": DEFAULT_APP_SECRET});
    let (_, answer) = bench.post("/callback/ws/endpoint", "", &body).await;
    let client = Client::dial(answer["data"]["URL"].as_str().unwrap()).await.unwrap();
    let stream = bench.sandbox.feishu().stream(DEFAULT_APP_ID).unwrap();
    stream.wait_for_connections(1).await;
    client
}

fn tap_body(open_id: &str, message_id: &str) -> Value {
    json!({"open_id": open_id, "message_id": message_id,
        "action": {"tag": "button", "name": "go", "value": {"act": "go"}}})
}

async fn tap(bench: &Bench, open_id: &str, message_id: &str) -> Value {
    bench.control("/chat/api/tap", &tap_body(open_id, message_id)).await
}

/// Takes the next callback, answers it with `data` and gives the envelope.
async fn answer(client: &mut Client, data: Value) -> Value {
    let frame = client.frame().await;
    let payload = json!({"code": 200, "data": STANDARD.encode(data.to_string())});
    client.ack_with(&frame, &payload.to_string()).await;
    serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap()
}

async fn shown(bench: &Bench, open_id: &str) -> Value {
    bench.look(&format!("/control/messages?open_id={open_id}")).await["messages"][0]["card"].clone()
}

#[tokio::test]
async fn a_tap_reaches_the_app_as_the_platform_sends_it() {
    let bench = Bench::new().await;
    let mut client = connect(&bench).await;
    let id = bench.send_card(ALICE).await;
    let toast = json!({"type": "success", "content": "ok 好"});
    let reply = json!({"toast": toast, "card": {"type": "raw", "data": card("after")}});
    let (seen, envelope) = tokio::join!(tap(&bench, ALICE, &id), answer(&mut client, reply.clone()));
    assert_eq!(seen, json!({"toast": toast, "error": null}));
    assert_eq!(shown(&bench, ALICE).await, card("after"));
    let header = &envelope["header"];
    assert_eq!((&header["event_type"], &header["app_id"]), (&json!("card.action.trigger"), &json!(DEFAULT_APP_ID)));
    assert_eq!(
        (header["create_time"].as_str().unwrap().len(), &header["tenant_key"]),
        (16, &json!(DEFAULT_TENANT_KEY))
    );
    let event = &envelope["event"];
    assert_eq!((&event["operator"]["open_id"], &event["host"]), (&json!(ALICE), &json!("im_message")));
    assert!(event["operator"]["union_id"].as_str().unwrap().starts_with("on_"));
    assert!(event["token"].as_str().unwrap().starts_with("c-"));
    assert_eq!(event["action"], tap_body(ALICE, &id)["action"]);
    assert_eq!(event["context"]["open_message_id"], id);
    assert!(event["context"]["open_chat_id"].as_str().unwrap().starts_with("oc_"));
}

#[tokio::test]
async fn somebody_elses_tap_carries_their_own_id() {
    let bench = Bench::new().await;
    let mut client = connect(&bench).await;
    let id = bench.send_card(ALICE).await;
    let (_, envelope) = tokio::join!(tap(&bench, BOB, &id), answer(&mut client, json!({})));
    assert_eq!(envelope["event"]["operator"]["open_id"], BOB);
}

#[tokio::test]
async fn bad_answers_show_the_platforms_numbers_and_change_nothing() {
    let bench = Bench::new().await;
    let id = bench.send_card(ALICE).await;
    let code = |seen: &Value| seen["error"]["code"].as_i64().unwrap();
    assert_eq!(code(&tap(&bench, ALICE, &id).await), 200_340);
    let mut client = connect(&bench).await;
    let old = json!({"elements": []});
    let broken = json!({"schema": "2.0", "body": {"elements": [{"tag": "note"}]}});
    for (reply, expected) in [
        (json!({"toast": {"type": "loud", "content": "x"}}), 200_672),
        (json!({"card": {"type": "cooked"}}), 200_672),
        (json!({"card": {"type": "raw", "data": old}}), 200_830),
        (json!({"card": {"type": "raw", "data": broken}}), 200_673),
    ] {
        let (seen, _) = tokio::join!(tap(&bench, ALICE, &id), answer(&mut client, reply.clone()));
        assert_eq!(code(&seen), expected, "{reply}");
    }
    let failing = async {
        let frame = client.frame().await;
        client.ack_with(&frame, r#"{"code": 500}"#).await;
    };
    let (seen, ()) = tokio::join!(tap(&bench, ALICE, &id), failing);
    assert_eq!(code(&seen), 200_671);
    assert_eq!(code(&tap(&bench, ALICE, "om_absent").await), 200_080);
    assert_eq!(shown(&bench, ALICE).await, card("hi"));
}

#[tokio::test]
async fn no_answer_in_time_is_200341() {
    let mut options = Options::default();
    options.stream.callback_timeout = std::time::Duration::from_millis(20);
    let bench = Bench::with(options).await;
    let _client = connect(&bench).await;
    let id = bench.send_card(ALICE).await;
    assert_eq!(tap(&bench, ALICE, &id).await["error"]["code"], 200_341);
}

#[tokio::test]
async fn a_click_token_changes_the_card_twice_within_half_an_hour() {
    let bench = Bench::new().await;
    let mut client = connect(&bench).await;
    let id = bench.send_card(ALICE).await;
    let tenant = bench.tenant_token().await;
    let update = async |token: &Value, text: &str| {
        let body = json!({"token": token, "card": card(text)});
        bench.post(UPDATE, &tenant, &body).await.1["code"].as_i64().unwrap()
    };
    // Before the answer the token is not good yet.
    let early = async {
        let frame = client.frame().await;
        let envelope: Value = serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap();
        let token = envelope["event"]["token"].clone();
        assert_eq!(update(&token, "early").await, 300_000);
        client.accept(&frame).await;
        token
    };
    let (seen, token) = tokio::join!(tap(&bench, ALICE, &id), early);
    assert_eq!(seen, json!({"toast": null, "error": null}));
    assert_eq!(update(&token, "one").await, 0);
    assert_eq!(shown(&bench, ALICE).await, card("one"));
    assert_eq!(update(&token, "two").await, 0);
    assert_eq!(update(&token, "three").await, 300_000);
    let (_, envelope) = tokio::join!(tap(&bench, ALICE, &id), answer(&mut client, json!({})));
    bench.advance(1_800_001).await;
    assert_eq!(update(&envelope["event"]["token"], "late").await, 300_000);
    assert_eq!(update(&json!("c-nonsense"), "x").await, 300_000);
    assert_eq!(shown(&bench, ALICE).await, card("two"));
}

#[tokio::test]
async fn words_revocations_and_pushed_events_arrive() {
    let bench = Bench::new().await;
    let mut client = connect(&bench).await;
    let mut next = async || {
        let frame = client.frame().await;
        client.accept(&frame).await;
        serde_json::from_slice::<Value>(frame.payload.as_ref().unwrap()).unwrap()
    };
    bench.control("/chat/api/say", &json!({"open_id": ALICE, "app_id": DEFAULT_APP_ID, "text": "hi"})).await;
    let said = next().await;
    assert_eq!(said["event"]["sender"]["sender_id"]["open_id"], ALICE);
    assert_eq!(said["event"]["message"]["content"], json!({"text": "hi"}).to_string());
    bench.pair(ALICE, "").await;
    bench.control("/control/revoke", &json!({"open_id": ALICE})).await;
    let revoked = next().await;
    assert_eq!(revoked["header"]["event_type"], "auth.user_access_token.revoked_v4");
    assert_eq!(revoked["event"]["open_id"], ALICE);
    let pushed =
        bench.control("/control/push", &json!({"event_type": "contact.user.deleted_v3", "event": {"a": 1}})).await;
    let seen = next().await;
    assert_eq!((&seen["header"]["event_id"], &seen["event"]), (&pushed["event_id"], &json!({"a": 1})));
    let envelope = json!({"uuid": "u", "type": "event_callback", "event": {"type": "app_status_change"}});
    bench.control("/control/push", &json!({"envelope": envelope})).await;
    assert_eq!(next().await["event"]["type"], "app_status_change");
}

#[tokio::test]
async fn the_stream_is_scripted_watched_and_flooded() {
    let bench = Bench::new().await;
    let refuse = json!({"refuse_endpoint": {"code": 1, "msg": "system busy", "times": 1}});
    bench.control("/control/stream/faults", &refuse).await;
    let body = json!({"AppID": DEFAULT_APP_ID, "AppSecret": DEFAULT_APP_SECRET});
    let (_, busy) = bench.post("/callback/ws/endpoint", "", &body).await;
    assert_eq!(busy, json!({"code": 1, "msg": "system busy", "data": {}}));
    let mut client = connect(&bench).await;
    assert_eq!(bench.look("/control/stream").await["connections"], 1);
    let garbage = json!({"raw": [{"kind": "text", "text": "what?"}]});
    assert_eq!(bench.control("/control/stream/raw", &garbage).await["connection"], 1);
    assert!(client.next().await.unwrap().unwrap().is_text());
    let kinds = bench.look("/control/stream/log").await;
    let kinds: Vec<_> = kinds.as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["endpoint_refused", "ticket", "dial", "connected"]);
    let flood = json!({"events": 50, "window": 8, "seconds": 30.0});
    let served = async {
        for _ in 0..50 {
            let frame = client.frame().await;
            client.accept(&frame).await;
        }
    };
    let (report, ()) = tokio::join!(bench.control("/control/flood", &flood), served);
    assert_eq!((&report["sent"], &report["acked"]), (&json!(50), &json!(50)));
}
