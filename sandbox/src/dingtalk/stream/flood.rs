//! What this platform brings to a flood: its two kinds of pushes as prepared frames, and how an acknowledgement is read.
//!
//! The events are `EVENT`s, which alone are delivered again until they are accepted; the taps are `CALLBACK`s, which have no id
//! but that of their delivery.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::frame::{CARD_TOPIC, Kind, Push};
use super::hub::{Hub, State};
use crate::random;
use crate::websocket::deliveries::Event;
use crate::websocket::flood::template::{self, Template, padded};
use crate::websocket::flood::{AckScan, FloodSpec, Kit};

/// Everything for a flood of this stream over that connection.
pub(super) fn kit(hub: &Hub, state: &State, connection: u64, spec: &FloodSpec) -> Kit {
    let frame = |push: &Push| {
        let frame = hub.frame(state, push, &template::message_id(), connection);
        Template::of(frame.to_string().into_bytes())
    };
    Kit {
        templates: [frame(&event(hub, spec.event_bytes)), frame(&tap(hub, spec.event_bytes))],
        message: |frame| Utf8Bytes::try_from(frame).ok().map(Message::Text),
        scan,
        patience: hub.config.callback_timeout,
    }
}

/// `user_modify_org` with data of that many bytes.
fn event(hub: &Hub, bytes: usize) -> Push {
    let data = json!({"timeStamp": hub.config.clock.now_ms().to_string(), "userId": [template::own_id()]});
    let data = padded(data, bytes, |data, padding| data["padding"] = padding.into());
    let born = json!({"born_ms": hub.config.clock.now_ms(), "data": data}).to_string();
    let kind = "user_modify_org".to_owned();
    hub.event_push(&Event { id: template::event_id(), kind, payload: born.into(), target: None })
}

/// A tap on a card of nobody's, with data of that many bytes.
fn tap(hub: &Hub, bytes: usize) -> Push {
    let content = json!({"cardPrivateData": {"actionIds": ["sample"], "params": {"sample": "true"}}}).to_string();
    let data = json!({
        "type": "actionCallback",
        "outTrackId": template::own_id(),
        "userId": random::fixed_hex("a person who taps"),
        "userIdType": 2,
        "corpId": hub.config.corp_id,
        "spaceType": "im",
        "spaceId": "",
        "content": content,
        "value": content,
    });
    let data = padded(data, bytes, |data, padding| data["extension"] = json!({"padding": padding}).to_string().into());
    Push { kind: Kind::Callback, topic: CARD_TOPIC.to_owned(), more: Vec::new(), data }
}

#[derive(Deserialize)]
struct Ack<'a> {
    code: i64,
    #[serde(borrow)]
    headers: Headers<'a>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Headers<'a> {
    message_id: &'a str,
}

/// Scans an answer. The data of a flood holds no `LATER`, so a client that says it means it, wherever in its data it does.
fn scan(frame: &[u8]) -> Option<AckScan<'_>> {
    let ack: Ack<'_> = serde_json::from_slice(frame).ok()?;
    let later = ack.data.is_some_and(|data| data.get().contains("LATER"));
    Some(AckScan { message_id: ack.headers.message_id.as_bytes(), accepted: ack.code == 200 && !later })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(code: i64, data: &str) -> Option<(String, bool)> {
        let headers = json!({"contentType": "application/json", "messageId": "m-1"});
        let text = json!({"code": code, "headers": headers, "message": "OK", "data": data}).to_string();
        let found = scan(text.as_bytes())?;
        Some((String::from_utf8(found.message_id.to_vec()).unwrap(), found.accepted))
    }

    #[test]
    fn answers_as_clients_write_them() {
        for (code, data, accepted) in [
            (200, "", true),
            (200, r#"{"status":"SUCCESS","message":"success"}"#, true),
            (200, r#"{"response":null}"#, true),
            (200, r#"{"status":"LATER"}"#, false),
            (500, r#"{"code":200}"#, false),
            (404, "", false),
        ] {
            assert_eq!(scanned(code, data), Some(("m-1".to_owned(), accepted)), "{code} {data}");
        }
        assert_eq!(scan(br#"{"code":200,"headers":{}}"#), None);
        assert_eq!(scan(b"{"), None);
    }
}
