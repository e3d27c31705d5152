//! Recorded frames with the answers of the official clients, and frames that no platform should send.

use serde_json::{Value, json};

use super::*;
use crate::domain::event::{CardAction, Choice, EventKind, Outcome};

const GOLDEN: &str = include_str!("../../../../tests/fixtures/dingtalk/golden-dingtalk-frames.json");

fn codec() -> DingTalkCodec {
    let variables = |name: &str| Variables::from_iter([("status".to_owned(), json!(name))]);
    let renderer = Renderer { toast: |_| Variables::new(), card: Arc::new(move |_| variables("authorizing")) };
    DingTalkCodec::new(AppId::parse("dingsimapp").unwrap(), renderer)
}

fn rows() -> Vec<Value> {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    golden["rows"].as_array().unwrap().clone()
}

fn step(frame: &Value) -> Step {
    codec().on_message(Message::text(frame.to_string()), Duration::ZERO)
}

fn delivered(frame: &Value) -> (Event, AckSlot) {
    match step(frame) {
        Step::Deliver { event, slot } => (*event, slot),
        other => panic!("{frame}: {other:?}"),
    }
}

/// What we answer a frame, `data` read; nothing if it is not answered.
fn answer(frame: &Value, verdict: &Verdict) -> Value {
    let reply = match step(frame) {
        Step::Reply(reply) => reply,
        Step::Deliver { slot, .. } => codec().ack(slot, verdict, Duration::ZERO),
        _ => return Value::Null,
    };
    opened(&serde_json::from_str(reply.to_text().unwrap()).unwrap())
}

/// An ack whose data is read, without the words that each client chooses by itself.
fn opened(ack: &Value) -> Value {
    let Some(data) = ack["data"].as_str() else { return Value::Null };
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    // Node echoes all headers of a ping.
    let headers = json!({ "contentType": ack["headers"]["contentType"], "messageId": ack["headers"]["messageId"] });
    json!({ "code": ack["code"], "headers": headers, "data": data })
}

fn frame(message_id: &str) -> Value {
    let row = rows().into_iter().find(|row| row["server_frame"]["headers"]["messageId"] == message_id);
    row.unwrap()["server_frame"].clone()
}

fn failed() -> Verdict {
    Verdict::failed()
}

/// What all give that answer, if at least two do.
fn common(answers: &[Value], part: &str) -> Option<Value> {
    let given: Vec<_> = answers.iter().filter(|answer| !answer.is_null()).map(|answer| &answer[part]).collect();
    let (first, others) = given.split_first()?;
    (!others.is_empty() && others.iter().all(|other| other == first)).then(|| (*first).clone())
}

#[test]
fn answers_as_the_official_clients_do_where_they_agree() {
    let mut compared = 0;
    for row in rows() {
        let frame = &row["server_frame"];
        let verdict = if frame["headers"]["eventType"] == "sim_later" { failed() } else { Verdict::accepted() };
        let theirs = ["python", "node", "go"].map(|client| opened(&row["acks"][client]));
        let ours = answer(frame, &verdict);
        // What a tap shows was the recording's choice; a leaving link is not answered.
        let shows = frame["headers"]["topic"] == "/v1.0/card/instances/callback";
        for part in ["code", "headers", "data"].into_iter().filter(|part| !(shows && *part == "data")) {
            if let Some(agreed) = common(&theirs, part).filter(|_| !ours.is_null()) {
                assert_eq!(ours[part], agreed, "{part} of {frame}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 10, "only {compared} parts of answers are the same from all clients");
}

/// Where they differ, we do as two of them do, or as the platform's page says.
#[test]
fn answers_where_they_differ() {
    let status = |message: &str| json!({ "status": message.to_uppercase(), "message": message });
    for (id, verdict, code, data) in [
        ("m-evt-1", Verdict::accepted(), 200, status("success")),
        ("m-evt-2", failed(), 500, status("later")),
        ("m-bot-1", Verdict::accepted(), 200, json!({ "response": null })),
        ("m-unknown-1", Verdict::accepted(), 200, json!({ "response": null })),
    ] {
        let ours = answer(&frame(id), &verdict);
        assert_eq!((&ours["code"], &ours["data"]), (&json!(code), &data), "{id}");
        assert_eq!(ours["headers"]["messageId"], id);
    }
    for id in ["m-sys-connected", "m-sys-registered", "m-sys-keepalive"] {
        assert!(answer(&frame(id), &Verdict::accepted()).is_null(), "{id}");
    }
    assert!(matches!(step(&frame("m-sys-disconnect")), Step::Leaving));
}

#[test]
fn a_tap_is_shown_what_becomes_of_it() {
    let end = crate::domain::card::EndCard {
        requesters: Vec::new(),
        scopes: crate::domain::scopes::ScopeSet::default(),
        missing: crate::domain::scopes::ScopeSet::default(),
    };
    let verdict = Verdict { card: Some(Box::new(Card::Rejected(end))), ..Verdict::accepted() };
    let shown = answer(&frame("m-card-1"), &verdict);
    assert_eq!(shown["data"]["response"]["cardData"]["cardParamMap"], json!({ "status": "authorizing" }));
    assert_eq!(shown["data"]["response"]["cardUpdateOptions"]["updateCardDataByKey"], true);
}

#[test]
fn an_event_says_whose_and_when() {
    let (event, _) = delivered(&frame("m-evt-1"));
    assert_eq!((event.id.as_str(), event.event_type.as_str()), ("evt-1", "user_add_org"));
    assert_eq!(event.tenant.unwrap().as_str(), "dingsimcorp01");
    assert_eq!(event.created_at.unwrap().as_secs(), 1_763_700_000);
    let (said, _) = delivered(&frame("m-bot-1"));
    assert_eq!(said.tenant.unwrap().as_str(), "dingsimcorp01", "a robot message says it in its data only");
}

fn tap(user_id_type: i64, params: &Value) -> Value {
    let content = json!({ "cardPrivateData": { "actionIds": ["x"], "params": params } }).to_string();
    let data = json!({
        "outTrackId": "track-1", "userId": "union-1", "userIdType": user_id_type, "corpId": "dingcorp", "content": content,
    });
    let mut tap = frame("m-card-1");
    tap["data"] = json!(data.to_string());
    tap
}

#[test]
fn a_tap_is_of_whom_the_platform_says() {
    let params = json!({ "act": "reject", "auth_session": "01890000-0000-7000-8000-000000000000", "userId": "evil" });
    let EventKind::CardAction(action) = delivered(&tap(2, &params)).0.kind else { panic!("no tap") };
    assert_eq!(action.operator.unwrap().as_str(), "union-1");
    assert_eq!(action.operator_tenant.unwrap().as_str(), "dingcorp");
    assert_eq!(action.message.unwrap().as_str(), "track-1");
    assert!(action.auth_session.is_some());
    assert!(matches!(action.choice, Choice::Reject));
    let EventKind::CardAction(action) = delivered(&tap(1, &params)).0.kind else { panic!("no tap") };
    assert!(action.operator.is_none(), "an id of another kind is nobody whom we know");
}

#[test]
fn a_tap_that_makes_no_sense_chooses_nothing() {
    for params in [json!(null), json!([]), json!({}), json!({ "act": 1 }), json!({ "act": "allow" }), json!("x")] {
        let EventKind::CardAction(action) = delivered(&tap(2, &params)).0.kind else { panic!("no tap") };
        assert!(matches!(action.choice, Choice::Unknown), "{params}");
    }
    let code = |value: Value| match delivered(&tap(2, &json!({ "act": "code", "authorization_code": value }))).0.kind {
        EventKind::CardAction(CardAction { choice: Choice::Code(code), .. }) => code.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(json!(" abc ")), "abc");
    assert_eq!(code(json!("x".repeat(5_000))), "");
}

#[test]
fn w30_what_cannot_be_read_is_counted_and_nothing_else() {
    let with = |change: fn(&mut Value)| {
        let mut bad = frame("m-evt-1");
        change(&mut bad);
        bad.to_string()
    };
    for (text, why) in [
        ("{".to_owned(), "frame"),
        ("[]".to_owned(), "frame"),
        (with(|it| it["data"] = json!({ "an": "object" })), "frame"),
        (with(|it| it["headers"]["messageId"] = json!(7)), "frame"),
        (with(|it| it["type"] = json!("OTHER")), "frame_type"),
        (with(|it| drop(it["headers"].as_object_mut().unwrap().remove("messageId"))), "message_id"),
        (with(|it| it["headers"]["messageId"] = json!("")), "message_id"),
        (with(|it| it["headers"]["messageId"] = json!("x".repeat(10_000))), "message_id"),
    ] {
        let step = codec().on_message(Message::text(text.clone()), Duration::ZERO);
        assert!(matches!(step, Step::Bad(word) if word == why), "W30 {text}: {step:?}");
    }
    let mut ping = frame("m-sys-ping");
    ping["data"] = json!("x".repeat(1 << 20));
    assert!(matches!(step(&ping), Step::Bad("ping")), "W30: a megabyte is not sent back");
    assert!(matches!(codec().on_message(Message::binary(vec![1]), Duration::ZERO), Step::Bad("binary")));
}

#[test]
fn an_event_that_cannot_be_named_is_not_wanted_again() {
    for (field, value) in [("eventId", json!("")), ("eventType", json!("two words")), ("eventCorpId", json!("a\nb"))] {
        let mut odd = frame("m-evt-1");
        odd["headers"][field] = value;
        let Step::Discard { slot, .. } = step(&odd) else { panic!("{field}: {:?}", step(&odd)) };
        let ack = codec().ack(slot, &Verdict::accepted(), Duration::ZERO);
        assert!(ack.to_text().unwrap().contains("SUCCESS"), "{field}");
    }
    let unanswered = Verdict { outcome: Outcome::Failed, ..Verdict::accepted() };
    assert_eq!(answer(&frame("m-card-1"), &unanswered)["code"], 500);
}
