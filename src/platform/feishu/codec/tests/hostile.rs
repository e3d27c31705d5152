//! Frames that no honest peer sends: none may panic, be delivered by accident or be held without bound.

use super::*;

fn binary(bytes: Vec<u8>) -> Step {
    codec().on_message(Message::Binary(bytes.into()), START)
}

fn is_bad(step: &Step, why: &str) -> bool {
    matches!(step, Step::Bad(word) if *word == why)
}

#[test]
fn w1_a_truncated_frame_is_never_an_event() {
    let bytes = whole(&event_json("x")).encode_to_vec();
    for length in 0..bytes.len() {
        let step = binary(bytes[..length].to_vec());
        assert!(matches!(step, Step::Bad(_) | Step::Ignore), "W1 {length} bytes: {step:?}");
    }
    assert!(matches!(binary(bytes), Step::Deliver { .. }), "W1 all bytes");
}

#[test]
fn w2_random_bytes_are_never_an_event() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let mut codec = codec();
    for round in 0..20_000_usize {
        let bytes: Vec<u8> = (0..round % 200).map(|_| next()).collect();
        let step = codec.on_message(Message::Binary(bytes.into()), START);
        assert!(matches!(step, Step::Bad(_) | Step::Ignore), "W2 {round}: {step:?}");
    }
}

#[test]
fn w2_flipped_bytes_do_no_harm() {
    let bytes = whole(&event_json("x")).encode_to_vec();
    let mut codec = codec();
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[place] ^= flip;
            if let Step::Deliver { slot, .. } | Step::Discard { slot, .. } =
                codec.on_message(Message::Binary(bytes.into()), START)
            {
                codec.ack(slot, &Verdict::accepted(), START);
            }
        }
    }
}

#[test]
fn w3_w7_w8_malformed_protobuf() {
    for (name, bytes) in [
        ("W3 text for a number", vec![0x0a, 0x00]),
        ("W3 number for a header", vec![0x28, 0x01]),
        ("W7 varint of 11 bytes", [vec![0x08], vec![0xff; 10], vec![0x01]].concat()),
        ("W8 10k nested groups", vec![0x7b; 10_000]),
        ("W8 10k nested groups in a header", [vec![0x2a, 0x90, 0x4e], vec![0x7b; 10_000]].concat()),
        ("a length of 2^63", vec![0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("tag zero", vec![0x00]),
    ] {
        assert!(is_bad(&binary(bytes), "frame"), "{name}");
    }
}

#[test]
fn w4_missing_headers() {
    let all = [("type", "event"), ("message_id", "m-1"), ("sum", "1"), ("seq", "0")];
    for gone in 0..all.len() {
        let some: Vec<_> = all.iter().enumerate().filter(|(place, _)| *place != gone).map(|(_, it)| *it).collect();
        let step = feed(&mut codec(), &frame(&some, &event_json("x")));
        assert!(is_bad(&step, "header_missing"), "W4 without {}: {step:?}", all[gone].0);
    }
}

#[test]
fn w5_doubled_headers() {
    for (key, value) in [("type", "event"), ("message_id", "m-2"), ("sum", "1"), ("seq", "0")] {
        let mut frame = whole(&event_json("x"));
        frame.headers.push(Header::new(key, value));
        assert!(is_bad(&feed(&mut codec(), &frame), "header_twice"), "W5 {key}");
    }
    let mut frame = whole(&event_json("x"));
    frame.headers.extend([Header::new("trace_id", "1"), Header::new("trace_id", "2")]);
    assert!(matches!(feed(&mut codec(), &frame), Step::Deliver { .. }), "W5 what we only echo");
}

#[test]
fn w6_odd_numbers_and_kinds() {
    for method in [-1, 2, 7, i32::MAX, i32::MIN] {
        let frame = Frame { method, ..whole(&event_json("x")) };
        assert!(matches!(feed(&mut codec(), &frame), Step::Ignore), "W6 method {method}");
    }
    for service in [-1, 0, i32::MAX, i32::MIN] {
        let mut codec = codec();
        let slot = slot(feed(&mut codec, &Frame { service, ..whole(&event_json("x")) }));
        let Message::Binary(ack) = codec.ack(slot, &Verdict::accepted(), START) else { panic!("no binary ack") };
        assert_eq!(Frame::decode(ack).unwrap().service, service, "W6 service {service}");
    }
    let unknown = frame(&[("type", "new"), ("message_id", "m"), ("sum", "1"), ("seq", "0")], "{}");
    let step = feed(&mut codec(), &unknown);
    assert!(matches!(step, Step::Discard { why: "frame_type", .. }), "W6 {step:?}");
}

#[test]
fn w9_text_messages() {
    let step = codec().on_message(Message::Text("{}".into()), START);
    assert!(is_bad(&step, "text"), "W9 {step:?}");
}

#[test]
fn w15_w16_impossible_parts() {
    for (name, sum, seq, why) in [
        ("W15 sum 2^31", "2147483648", "0", "sum"),
        ("W15 sum 65", "65", "0", "sum"),
        ("W15 sum 2^64", "18446744073709551616", "0", "header_number"),
        ("W15 sum -1", "-1", "0", "header_number"),
        ("W15 sum +1", "+1", "0", "header_number"),
        ("W15 sum empty", "", "0", "header_number"),
        ("W16 seq = sum", "2", "2", "seq"),
        ("W16 seq of a whole message", "1", "1", "seq"),
        ("W16 seq -1", "2", "-1", "header_number"),
    ] {
        let step = feed(&mut codec(), &part("m", sum, seq, "{}"));
        assert!(is_bad(&step, why), "{name}: {step:?}");
    }
    let long = "m".repeat(10_000);
    assert!(is_bad(&feed(&mut codec(), &part(&long, "2", "0", "{}")), "message_id"));
}

#[test]
fn w17_w18_contradicting_parts() {
    let mut codec = codec();
    let json = event_json("x");
    let (first, second) = json.split_at(20);
    feed(&mut codec, &part("m", "2", "0", first));
    assert!(is_bad(&feed(&mut codec, &part("m", "3", "1", second)), "sum_differs"), "W17");
    assert!(is_bad(&feed(&mut codec, &part("m", "2", "0", "other")), "part_differs"), "W18");
    assert!(matches!(feed(&mut codec, &part("m", "2", "1", second)), Step::Deliver { .. }), "W17 W18 then whole");
}

#[test]
fn w19_parts_that_never_complete() {
    let mut codec = codec();
    for number in 0..100_000 {
        feed(&mut codec, &part(&format!("m-{number}"), "64", "0", "0123456789"));
        assert!(codec.partial_bytes() <= 4 << 20, "W19");
    }
    codec.on_tick(Duration::from_secs(10));
    assert_eq!(codec.partial_bytes(), 0, "W19");
}

#[test]
fn w20_empty_payloads() {
    assert!(is_bad(&feed(&mut codec(), &whole("")), "json"), "W20 empty");
    let none = Frame { payload: None, ..whole("") };
    assert!(is_bad(&feed(&mut codec(), &none), "json"), "W20 none");
    let mut codec = codec();
    feed(&mut codec, &part("m", "2", "0", ""));
    assert!(matches!(feed(&mut codec, &part("m", "2", "1", &event_json("x"))), Step::Deliver { .. }), "W20 empty part");
}

#[test]
fn w21_invalid_utf8_in_the_payload() {
    let frame = Frame { payload: Some(Bytes::from_static(b"{\"a\":\"\xff\xfe\"}")), ..whole("") };
    let step = feed(&mut codec(), &frame);
    assert!(matches!(step, Step::Bad("json") | Step::Discard { .. }), "W21 {step:?}");
}

#[test]
fn w22_w25_what_must_not_come_again_is_acknowledged() {
    let json = event_json("x");
    for (name, payload, word) in [
        ("W22 no event_id", json.replace(r#""event_id":"e-1","#, ""), "event_id"),
        ("W22 event_id of 10 kB", json.replace("e-1", &"e".repeat(10_000)), "event_id"),
        ("W25 foreign app", json.replace(APP, "cli_other"), "foreign_app"),
    ] {
        let step = feed(&mut codec(), &whole(&payload));
        assert!(matches!(&step, Step::Discard { why, .. } if *why == word), "{name}: {step:?}");
        let payload = ack_payload(&mut codec(), &whole(&payload), &Verdict::accepted());
        assert_eq!(payload, json!({ "code": 200 }), "{name}");
    }
}

#[test]
fn w23_w26_what_others_decide_is_delivered() {
    let mut codec = codec();
    for payload in [event_json("x"), event_json("x").replace("{}", r#"{"other":"body"}"#), event_json("brand.new_v9")] {
        assert!(matches!(feed(&mut codec, &whole(&payload)), Step::Deliver { .. }), "W23 W26 {payload}");
    }
}

#[test]
fn w28_pongs_that_say_nonsense() {
    let pong = |payload: &str| Frame { method: CONTROL, ..frame(&[("type", "pong")], payload) };
    for (payload, bad) in [
        ("", false),
        ("{}", false),
        ("{", true),
        ("7", true),
        (r#"{"PingInterval":0,"ReconnectInterval":0}"#, false),
        (r#"{"PingInterval":-1}"#, false),
    ] {
        let mut codec = codec();
        assert_eq!(is_bad(&feed(&mut codec, &pong(payload)), "pong"), bad, "W28 {payload}");
        assert_eq!(codec.heartbeat().0.as_secs(), 120, "W28 {payload}");
        assert_eq!(codec.reconnect_interval().as_secs(), 120, "W28 {payload}");
    }
    let mut codec = codec();
    feed(&mut codec, &pong(r#"{"PingInterval":1000000000,"ReconnectInterval":1}"#));
    assert_eq!((codec.heartbeat().0.as_secs(), codec.reconnect_interval().as_secs()), (300, 5), "W28");
}
