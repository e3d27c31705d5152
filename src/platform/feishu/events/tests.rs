//! Payloads in, events out.

use super::*;
use crate::domain::event::Choice;
use crate::platform::button::MAX_CODE_BYTES;

const APP: &str = "cli_a1b2c3d4e5f60718";

fn read(payload: &str) -> Result<Event, Unreadable> {
    EventReader::new(AppId::parse(APP).unwrap()).read(payload.as_bytes())
}

fn header(fields: &str) -> String {
    format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e-1","event_type":"im.message.receive_v1","app_id":"{APP}"{fields}}},"event":{{}}}}"#
    )
}

fn tap(event: &str) -> CardAction {
    let payload = format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e-1","event_type":"card.action.trigger","app_id":"{APP}"}},"event":{event}}}"#
    );
    match read(&payload).unwrap().kind {
        EventKind::CardAction(action) => action,
        other => panic!("no tap: {other:?}"),
    }
}

fn code_of(action: &CardAction) -> Option<&str> {
    if let Choice::Code(code) = &action.choice { Some(code.expose()) } else { None }
}

#[test]
fn reads_both_envelopes() {
    let new = read(&header(r#","tenant_key":"t1","create_time":"1603977298000""#)).unwrap();
    assert_eq!((new.id.as_str(), &*new.event_type), ("e-1", "im.message.receive_v1"));
    assert_eq!(new.tenant.unwrap().as_str(), "t1");
    assert_eq!(new.created_at, Some(Timestamp::from_secs(1_603_977_298)));
    let old = format!(
        r#"{{"uuid":"u-1","token":"x","ts":"1502199207.717","type":"event_callback",
            "event":{{"type":"app_uninstalled","app_id":"{APP}","tenant_key":"t2"}}}}"#
    );
    let old = read(&old).unwrap();
    assert_eq!((old.id.as_str(), &*old.event_type), ("u-1", "app_uninstalled"));
    assert_eq!(old.tenant.unwrap().as_str(), "t2");
    assert_eq!(old.created_at, Some(Timestamp::from_secs(1_502_199_207)));
}

#[test]
fn reads_a_tap() {
    let action = tap(r#"{"operator":{"tenant_key":"t1","open_id":"ou_1","union_id":"on_1"},"token":"c-1",
        "action":{"value":{"auth_session":"s-1","act":"authorize"},"tag":"button"},
        "context":{"open_message_id":"om_1","open_chat_id":"oc_1"}}"#);
    assert_eq!(action.operator.unwrap().as_str(), "ou_1");
    assert_eq!(action.operator_tenant.unwrap().as_str(), "t1");
    assert_eq!(action.auth_session.unwrap().as_str(), "s-1");
    assert_eq!(action.message.unwrap().as_str(), "om_1");
    assert!(matches!(action.choice, Choice::Authorize));
}

#[test]
fn reads_what_was_chosen() {
    let choice = |action: &str| tap(&format!(r#"{{"action":{action}}}"#)).choice;
    assert!(matches!(choice(r#"{"value":{"act":"reject"}}"#), Choice::Reject));
    assert!(matches!(choice(r#"{"value":"{\"act\":\"reject\"}"}"#), Choice::Reject), "JSON in a string");
    for unknown in [
        "null",
        "{}",
        r#"{"value":null}"#,
        r#"{"value":"reject"}"#,
        r#"{"value":7}"#,
        r#"{"value":["act","reject"]}"#,
        r#"{"value":{"act":7}}"#,
        r#"{"value":{"act":"Reject"}}"#,
        r#"{"value":{"act":"reject","act":"authorize"}}"#,
    ] {
        assert!(matches!(choice(unknown), Choice::Unknown), "{unknown}");
    }
}

#[test]
fn reads_a_code_from_the_form_or_the_button() {
    let long = "x".repeat(MAX_CODE_BYTES + 1);
    for (value, form, expected) in [
        (r#""x":1"#, r#"{"authorization_code":" abc "}"#.to_owned(), "abc"),
        (r#""authorization_code":"abc""#, "{}".to_owned(), "abc"),
        (r#""authorization_code":"button""#, r#"{"authorization_code":"form"}"#.to_owned(), "form"),
        (r#""authorization_code":"button""#, r#"{"authorization_code":""}"#.to_owned(), "button"),
        (r#""x":1"#, "{}".to_owned(), ""),
        (r#""x":1"#, "null".to_owned(), ""),
        (r#""x":1"#, r#"{"authorization_code":7}"#.to_owned(), ""),
        (r#""x":1"#, format!(r#"{{"authorization_code":"{long}"}}"#), ""),
    ] {
        let action = tap(&format!(r#"{{"action":{{"value":{{"act":"code",{value}}},"form_value":{form}}}}}"#));
        assert_eq!(code_of(&action), Some(expected), "{value} {form}");
    }
}

#[test]
fn an_operator_who_cannot_be_named_for_sure_is_nobody() {
    for operator in [r"{}", r#"{"open_id":""}"#, r#"{"open_id":"a b"}"#, r#"{"open_id":"ou_1","tenant_key":"t 1"}"#] {
        let action = tap(&format!(r#"{{"operator":{operator}}}"#));
        assert_eq!((action.operator, action.operator_tenant), (None, None), "{operator}");
    }
    for event in ["null", "7", "[]", r#""text""#, r#"{"operator":7}"#] {
        let action = tap(event);
        assert!(action.operator.is_none() && matches!(action.choice, Choice::Unknown), "{event}");
    }
}

#[test]
fn w21_json_that_cannot_be_read() {
    let deep = "[".repeat(10_000);
    let whole = header("");
    for (name, payload) in [
        ("empty", String::new()),
        ("depth", deep),
        ("not a number", whole.replace("{}", "NaN")),
        ("duplicate key", header(r#","event_id":"e-2""#)),
        ("duplicate header", whole.replace(r#""event":"#, r#""header":{},"event":"#)),
        ("lone surrogate", header(r#","tenant_key":"\ud800""#)),
        ("byte order mark", format!("\u{feff}{whole}")),
        ("trailing garbage", format!("{whole}x")),
        ("cut off", whole[..whole.len() - 1].to_owned()),
        ("no object", "7".to_owned()),
        ("wrong type", whole.replace(r#""e-1""#, "7")),
    ] {
        assert_eq!(read(&payload).unwrap_err(), Unreadable::Bad("json"), "W21 {name}");
    }
}

#[test]
fn w21_oddities_that_do_not_concern_us_do_no_harm() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [deep, format!("\"{}\"", "x".repeat(1 << 20)), r#""\ud800""#.to_owned(), "1e400".to_owned()] {
        assert!(read(&header("").replace("{}", &body)).is_ok(), "W21 {}", &body[..8.min(body.len())]);
    }
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    assert!(matches!(tap(&format!(r#"{{"action":{{"value":{deep}}}}}"#)).choice, Choice::Unknown), "W21");
}

#[test]
fn w22_w25_what_must_not_be_handled() {
    let whole = header("");
    let with_id = |id: &str| whole.replace("e-1", id);
    for (name, payload, why) in [
        ("W22 no event_id", whole.replace(r#""event_id":"e-1","#, ""), "event_id"),
        ("W22 null event_id", whole.replace(r#""e-1""#, "null"), "event_id"),
        ("W22 empty event_id", with_id(""), "event_id"),
        ("W22 event_id of 10 kB", with_id(&"x".repeat(10_000)), "event_id"),
        ("W22 event_id with a blank", with_id("e 1"), "event_id"),
        ("W25 another app", whole.replace(APP, "cli_0000000000000000"), "foreign_app"),
        ("W25 no app", whole.replace("app_id", "app"), "foreign_app"),
        ("W25 malformed tenant", header(r#","tenant_key":"a b""#), "tenant_key"),
        ("no event type", whole.replace("event_type", "type"), "event_type"),
        ("event type of 10 kB", whole.replace("im.message", &"x".repeat(10_000)), "event_type"),
        ("no envelope", "{}".to_owned(), "event_id"),
    ] {
        assert_eq!(read(&payload).unwrap_err(), Unreadable::Unwanted(why), "{name}");
    }
}

#[test]
fn w24_any_time_of_creation_is_bearable() {
    for (written, expected) in [
        (r#""1603977298000""#, Some(1_603_977_298)),
        (r#""1603977298000000""#, Some(1_603_977_298)),
        ("1603977298000", Some(1_603_977_298)),
        (r#""0""#, Some(0)),
        (r#""4102444800000""#, Some(4_102_444_800)),
        (r#""-1""#, None),
        (r#""yesterday""#, None),
        (r#""""#, None),
        ("null", None),
        ("{}", None),
        (r#""99999999999999999999999999""#, None),
    ] {
        let event = read(&header(&format!(r#","create_time":{written}"#))).unwrap();
        assert_eq!(event.created_at.map(Timestamp::as_secs), expected, "W24 {written}");
    }
}

#[test]
fn w26_an_unknown_event_type_is_an_event() {
    let event = read(&header("").replace("im.message.receive_v1", "brand.new_v9")).unwrap();
    assert!(matches!(event.kind, EventKind::Other), "W26");
    assert_eq!(event.event_type, "brand.new_v9", "W26");
}
