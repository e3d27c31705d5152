//! Bytes in, bytes out: recorded frames, and frames that no honest peer sends.

mod golden;
mod hostile;

use serde_json::json;

use super::*;
use crate::domain::card::EndCard;
use crate::domain::scopes::ScopeSet;
use crate::platform::feishu::frame::Header;

const APP: &str = "cli_a1b2c3d4e5f60718";
const START: Duration = Duration::ZERO;

fn renderer() -> Renderer {
    Renderer {
        toast: |_| json!({ "type": "success", "content": "ok 好" }),
        card: Arc::new(|card| match card {
            Card::Expired(_) => json!({ "type": "template", "data": { "template_id": "t" } }),
            _ => json!({ "schema": "2.0" }),
        }),
    }
}

fn codec() -> FeishuCodec {
    FeishuCodec::new(AppId::parse(APP).unwrap(), 33_554_678, Timing::default(), renderer())
}

fn event_json(event_type: &str) -> String {
    format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e-1","event_type":"{event_type}","app_id":"{APP}"}},"event":{{}}}}"#
    )
}

/// An event frame as the platform sends it.
fn frame(headers: &[(&'static str, &str)], payload: &str) -> Frame {
    Frame {
        seq_id: 1,
        log_id: 2,
        service: 3,
        method: DATA,
        headers: headers.iter().map(|(key, value)| Header::new(key, (*value).to_owned())).collect(),
        payload: Some(Bytes::from(payload.to_owned())),
        ..Frame::default()
    }
}

fn whole(payload: &str) -> Frame {
    frame(&[("type", "event"), ("message_id", "m-1"), ("sum", "1"), ("seq", "0")], payload)
}

fn part(message: &str, sum: &str, seq: &str, payload: &str) -> Frame {
    frame(&[("type", "event"), ("message_id", message), ("sum", sum), ("seq", seq)], payload)
}

fn feed(codec: &mut FeishuCodec, frame: &Frame) -> Step {
    codec.on_message(Message::Binary(frame.encode_to_vec().into()), START)
}

fn slot(step: Step) -> AckSlot {
    match step {
        Step::Deliver { slot, .. } | Step::Discard { slot, .. } => slot,
        other => panic!("no slot in {other:?}"),
    }
}

fn ack_payload(codec: &mut FeishuCodec, frame: &Frame, verdict: &Verdict) -> Value {
    let slot = slot(feed(codec, frame));
    let Message::Binary(ack) = codec.ack(slot, verdict, START) else { panic!("no binary ack") };
    serde_json::from_slice(&Frame::decode(ack).unwrap().payload.unwrap()).unwrap()
}

fn data(payload: &Value) -> Value {
    use base64::Engine as _;
    let text = payload["data"].as_str().unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

fn end_card(face: fn(EndCard) -> Card) -> Box<Card> {
    Box::new(face(EndCard { requesters: Vec::new(), scopes: ScopeSet::default(), missing: ScopeSet::default() }))
}

#[test]
fn an_event_is_answered_with_a_status() {
    let frame = whole(&event_json("im.message.receive_v1"));
    assert_eq!(ack_payload(&mut codec(), &frame, &Verdict::accepted()), json!({ "code": 200 }));
    assert_eq!(ack_payload(&mut codec(), &frame, &Verdict::failed()), json!({ "code": 500 }));
}

#[test]
fn a_callback_is_always_answered_with_an_object() {
    for event_type in ["card.action.trigger", "url.preview.get"] {
        let payload = ack_payload(&mut codec(), &whole(&event_json(event_type)), &Verdict::accepted());
        assert_eq!(payload, json!({ "code": 200, "data": "e30=" }), "{event_type}");
    }
}

#[test]
fn a_callback_can_show_a_toast_and_a_card() {
    let frame = whole(&event_json("card.action.trigger"));
    let toast = ack_payload(&mut codec(), &frame, &Verdict::toast(Toast::Continue));
    assert_eq!(data(&toast), json!({ "toast": { "type": "success", "content": "ok 好" } }));
    let both = Verdict { card: Some(end_card(Card::Granted)), ..Verdict::toast(Toast::Continue) };
    let both = data(&ack_payload(&mut codec(), &frame, &both));
    assert_eq!(both["card"], json!({ "type": "raw", "data": { "schema": "2.0" } }));
    let template = Verdict { card: Some(end_card(Card::Expired)), ..Verdict::accepted() };
    let template = data(&ack_payload(&mut codec(), &frame, &template));
    assert_eq!(template, json!({ "card": { "type": "template", "data": { "template_id": "t" } } }));
}

#[test]
fn biz_rt_is_the_handlers_time() {
    let mut codec = codec();
    let slot = slot(feed(&mut codec, &whole(&event_json("x"))));
    let Message::Binary(ack) = codec.ack(slot, &Verdict::accepted(), Duration::from_millis(1234)) else { panic!() };
    let last = Frame::decode(ack).unwrap().headers.pop().unwrap();
    assert_eq!((&*last.key, &*last.value), (&b"biz_rt"[..], &b"1234"[..]));
}

#[test]
fn a_slot_does_not_keep_the_received_message() {
    for length in [0, 20_000] {
        let mut codec = codec();
        let event = event_json("y").replace("{}", &format!("\"{}\"", "x".repeat(length)));
        let received = Bytes::from(whole(&event).encode_to_vec());
        let slot = slot(codec.on_message(Message::Binary(received.clone()), START));
        assert!(received.is_unique(), "the slot shares the message's memory");
        drop(slot);
    }
}

#[test]
fn a_pong_changes_the_heartbeat_at_once() {
    let mut codec = codec();
    assert_eq!(codec.heartbeat().0.as_secs(), 120);
    let pong = Frame { method: CONTROL, ..frame(&[("type", "pong")], r#"{"PingInterval":30,"ReconnectInterval":40}"#) };
    assert!(matches!(feed(&mut codec, &pong), Step::Ignore));
    assert_eq!((codec.heartbeat().0.as_secs(), codec.reconnect_interval().as_secs()), (30, 40));
}

#[test]
fn parts_expire_while_the_peer_is_silent() {
    let mut codec = codec();
    feed(&mut codec, &part("m", "2", "0", "abc"));
    assert_eq!(codec.partial_bytes(), 3);
    codec.on_tick(Duration::from_secs(10));
    assert_eq!(codec.partial_bytes(), 0);
}
