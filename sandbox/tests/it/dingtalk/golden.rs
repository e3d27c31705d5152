//! The recorded frames: what the simulator sends has the shape that the official clients were recorded to accept, and it accepts
//! what they were recorded to answer.

use std::collections::BTreeSet;

use cardkey_sandbox::dingtalk::stream::frame::{Ack, Kind, Push, Wish};
use serde_json::Value;

fn rows() -> Vec<Value> {
    let golden: Value =
        serde_json::from_str(include_str!("../../fixtures/dingtalk/golden-dingtalk-frames.json")).unwrap();
    golden["rows"].as_array().unwrap().clone()
}

#[test]
fn every_recorded_server_frame_is_produced() {
    for row in rows() {
        let frame = &row["server_frame"];
        let headers = frame["headers"].as_object().unwrap();
        let text = |name: &str| headers[name].as_str().unwrap().to_owned();
        let usual = ["topic", "contentType", "messageId", "time"];
        let more = headers.iter().filter(|(name, _)| !usual.contains(&name.as_str()));
        let push = Push {
            kind: Kind::of_name(frame["type"].as_str().unwrap()).unwrap(),
            topic: text("topic"),
            more: more.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            data: frame["data"].as_str().unwrap().to_owned(),
        };
        assert_eq!(&push.frame(&text("messageId"), text("time").parse().unwrap()), frame);
    }
}

#[test]
fn every_recorded_answer_is_read_and_understood() {
    let mut wishes = BTreeSet::new();
    for row in rows() {
        let frame = &row["server_frame"];
        for (sdk, answer) in row["acks"].as_object().unwrap().iter().filter(|(_, answer)| !answer.is_null()) {
            let ack = Ack::read(&answer.to_string()).unwrap();
            assert_eq!(ack.message_id, frame["headers"]["messageId"].as_str().unwrap(), "{sdk}");
            let wanted = match (frame["headers"]["eventType"].as_str(), answer["code"].as_i64()) {
                (Some("sim_later"), _) => Wish::Later,
                (_, Some(404)) => Wish::Unhandled,
                _ => Wish::Taken,
            };
            assert_eq!(ack.wish(), wanted, "{sdk} {answer}");
            wishes.insert(format!("{wanted:?} {sdk}"));
        }
    }
    assert_eq!(wishes.len(), 7, "three clients and what each of them says: {wishes:?}");
}
