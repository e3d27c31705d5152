//! Cards: made, delivered, changed, tapped.

use cardkey_sandbox::{ALICE, BOB, DINGTALK_CLIENT_ID, DINGTALK_CORP_ID, DINGTALK_TEMPLATE, Options};
use serde_json::{Value, json};

use super::client::Client;
use crate::bench::Bench;

const DELIVER: &str = "/v1.0/card/instances/createAndDeliver";

fn body(bench: &Bench, extra: &Value) -> Value {
    let mut body = json!({
        "cardTemplateId": DINGTALK_TEMPLATE, "outTrackId": "track-1", "callbackType": "STREAM", "userIdType": 1,
        "openSpaceId": format!("dtv1.card//IM_ROBOT.{}", bench.user_id(ALICE)),
        "cardData": {"cardParamMap": {"title": "Authorize", "status": "pending"}},
        "imRobotOpenSpaceModel": {"supportForward": false},
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": DINGTALK_CLIENT_ID},
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

async fn deliver(bench: &Bench, extra: &Value) -> (u16, Value) {
    let token = bench.ding_app_token().await;
    bench.ding_post(DELIVER, &token, &body(bench, extra)).await
}

async fn seen(bench: &Bench, open_id: &str) -> Vec<Value> {
    let messages = bench.look(&format!("/dingtalk/control/messages?open_id={open_id}")).await;
    messages["messages"].as_array().unwrap().iter().map(|message| message["card"]["variables"].clone()).collect()
}

async fn update(bench: &Bench, body: &Value) -> (u16, Value) {
    let token = bench.ding_app_token().await;
    bench.ding_call(bench.http.put(bench.url("/v1.0/card/instances")).json(body), &token).await
}

async fn tap(bench: &Bench, open_id: &str) -> Value {
    let body = json!({"open_id": open_id, "message_id": "track-1", "action_ids": ["authorize"],
        "params": {"action": "allow"}});
    bench.ding_control("/tap", &body).await["error"].clone()
}

#[tokio::test]
async fn a_card_is_delivered_once() {
    let bench = Bench::new().await;
    let (status, answer) = deliver(&bench, &json!({})).await;
    assert_eq!((status, &answer["success"], &answer["result"]["outTrackId"]), (200, &json!(true), &json!("track-1")));
    let result = &answer["result"]["deliverResults"][0];
    assert_eq!((&result["spaceType"], &result["success"]), (&json!("IM_ROBOT"), &json!(true)));
    assert_eq!(deliver(&bench, &json!({})).await.1["code"], "param.cardAlreadyExist");
    assert_eq!(seen(&bench, ALICE).await, [json!({"title": "Authorize", "status": "pending"})]);
    assert!(seen(&bench, BOB).await.is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let bench = Bench::new().await;
    bench.ding_control("/templates", &json!({"id": "draft.schema", "published": false})).await;
    for (extra, code) in [
        (json!({"outTrackId": ""}), "param.outTrackIdEmpty"),
        (json!({"cardTemplateId": ""}), "param.cardTemplateIdEmpty"),
        (json!({"cardTemplateId": "none.schema"}), "param.templateNotExist"),
        (json!({"cardTemplateId": "draft.schema"}), "param.templateUnpublished"),
        (json!({"openSpaceId": ""}), "param.openSpaceIdEmpty"),
        (json!({"openSpaceId": "IM_ROBOT.x"}), "param.openSpaceIdInvalid"),
        (json!({"imRobotOpenDeliverModel": null}), "param.openDeliverModelEmpty"),
        (json!({"imRobotOpenDeliverModel": {"spaceType": "IM"}}), "param.openDeliverModelError"),
        (json!({"cardData": {}}), "param.cardPublicDataEmpty"),
        (json!({"cardData": {"cardParamMap": {"a": 1}}}), "param.invalid"),
        (json!({"privateData": {"nobody": {"cardParamMap": {}}}}), "param.userIdNotExist"),
        (json!({"callbackType": "stream"}), "param.invalid"),
    ] {
        let (status, answer) = deliver(&bench, &extra).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{extra}");
    }
    let (status, answer) = bench.ding_post(DELIVER, "bad", &body(&bench, &json!({}))).await;
    assert_eq!((status, &answer["code"]), (400, &json!("InvalidAuthentication")));
    bench.ding_control("/apps", &json!({"app_id": DINGTALK_CLIENT_ID, "scopes": ["Contact.User.Read"]})).await;
    let (status, answer) = deliver(&bench, &json!({})).await;
    assert_eq!((status, &answer["accessdenieddetail"]["requiredScopes"]), (403, &json!(["Card.Instance.Write"])));
    assert!(seen(&bench, ALICE).await.is_empty());
}

#[tokio::test]
async fn a_card_to_nobody_is_reported() {
    let bench = Bench::new().await;
    let (status, answer) = deliver(&bench, &json!({"openSpaceId": "dtv1.card//IM_ROBOT.nobody"})).await;
    assert_eq!((status, &answer["result"]["deliverResults"][0]["success"]), (200, &json!(false)));
}

#[tokio::test]
async fn an_update_replaces_all_unless_told_otherwise() {
    let bench = Bench::new().await;
    deliver(&bench, &json!({"privateData": {bench.user_id(ALICE): {"cardParamMap": {"status": "yours"}}}})).await;
    assert_eq!(seen(&bench, ALICE).await[0]["status"], "yours");
    let change = json!({"outTrackId": "track-1", "cardData": {"cardParamMap": {"body": "b"}},
        "cardUpdateOptions": {"updateCardDataByKey": true}});
    assert_eq!(update(&bench, &change).await, (200, json!({"success": true, "result": true})));
    assert_eq!(seen(&bench, ALICE).await, [json!({"title": "Authorize", "status": "yours", "body": "b"})]);
    let replace = json!({"outTrackId": "track-1", "cardData": {"cardParamMap": {"title": "Done"}},
        "privateData": {bench.user_id(ALICE): {"cardParamMap": {}}}});
    update(&bench, &replace).await;
    assert_eq!(seen(&bench, ALICE).await, [json!({"title": "Done"})]);
    let absent = json!({"outTrackId": "other", "cardData": {"cardParamMap": {}}});
    assert_eq!(update(&bench, &absent).await.1["code"], "param.cardNotExist");
}

#[tokio::test]
async fn a_tap_goes_out_and_its_answer_is_applied() {
    let bench = Bench::new().await;
    deliver(&bench, &json!({})).await;
    let mut client = Client::connect(&bench).await;
    let answering = async {
        let frame = client.frame().await;
        let response = json!({"response": {"cardUpdateOptions": {"updateCardDataByKey": true},
            "cardData": {"cardParamMap": {"status": "authorizing"}}, "userPrivateData": {"cardParamMap": {"note": "you"}}}});
        client.ack(&frame, 200, &response).await;
        frame
    };
    let (error, frame) = tokio::join!(tap(&bench, ALICE), answering);
    assert_eq!(error, Value::Null);
    assert_eq!(frame["headers"]["topic"], "/v1.0/card/instances/callback");
    let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
    let mut names: Vec<_> = data.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "content",
            "corpId",
            "extension",
            "outTrackId",
            "spaceId",
            "spaceType",
            "type",
            "userId",
            "userIdType",
            "value"
        ]
    );
    assert_eq!((&data["userId"], &data["corpId"]), (&json!(bench.user_id(ALICE)), &json!(DINGTALK_CORP_ID)));
    assert_eq!((&data["value"], &data["extension"]), (&data["content"], &json!("{}")));
    let content: Value = serde_json::from_str(data["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, json!({"cardPrivateData": {"actionIds": ["authorize"], "params": {"action": "allow"}}}));
    let wanted = json!({"title": "Authorize", "status": "authorizing", "note": "you"});
    assert_eq!(seen(&bench, ALICE).await, [wanted]);
}

#[tokio::test]
async fn a_tap_without_a_usable_answer_says_why() {
    let mut options = Options::default();
    options.dingtalk.callback_timeout = std::time::Duration::from_millis(100);
    let bench = Bench::with(options).await;
    assert_eq!(tap(&bench, ALICE).await["code"], "noCard");
    deliver(&bench, &json!({})).await;
    assert_eq!(tap(&bench, ALICE).await["code"], "nobodyListens");
    let mut client = Client::connect(&bench).await;
    assert_eq!(tap(&bench, ALICE).await["code"], "timeout");
    client.frame().await;
    assert_eq!(Options::default().dingtalk.callback_timeout.as_secs(), 2);
}

#[tokio::test]
async fn an_answer_of_a_wrong_shape_says_so() {
    let bench = Bench::new().await;
    deliver(&bench, &json!({})).await;
    let mut client = Client::connect(&bench).await;
    for (code, data, wanted) in [
        (500, json!({}), "refused"),
        (200, json!({"nothing": 1}), "malformed"),
        (200, json!({"response": {"cardData": {"cardParamMap": {"n": 1}}}}), "malformed"),
    ] {
        let answering = async {
            let frame = client.frame().await;
            client.ack(&frame, code, &data).await;
        };
        let (error, ()) = tokio::join!(tap(&bench, BOB), answering);
        assert_eq!(error["code"], wanted);
    }
    assert_eq!(seen(&bench, ALICE).await[0]["status"], "pending");
}
