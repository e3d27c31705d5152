//! Rows W1 to W28 of the bad input over the gateway's real socket: what no honest platform sends is counted, or costs the
//! link, and the event after it is handled.
//!
//! Every row with all its variants stands beside the code that reads it (`platform/feishu/codec/tests/hostile.rs`,
//! `platform/feishu/events/tests.rs`, `platform/feishu/address.rs`, `stream/connection/tests/wire.rs`); here each kind is
//! tried once through everything. W14 and W29 have nothing to add here: no compression is offered, so its bit is a
//! reserved one (W12); and how often a full platform is dialled within an hour is shown on paused time
//! (`stream/supervisor/tests.rs`). W30 is another platform's.

use cardkey_sandbox::feishu::stream::frame::{Frame, METHOD_DATA};
use cardkey_sandbox::feishu::stream::{Raw, SERVICE_ID, StreamFaults, StreamLogEntry, StreamLogKind};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const MESSAGE: &str = "im.message.receive_v1";

/// A link number of the sandbox's that is open in every world here.
const LINK: Option<u64> = Some(1);

fn binary(bytes: &[u8]) -> Raw {
    Raw::Binary { hex: bytes.to_vec().into() }
}

fn tcp(bytes: &[u8]) -> Raw {
    Raw::Tcp { hex: bytes.to_vec().into() }
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Frame {
    let mut frame = Frame { service: SERVICE_ID, method: METHOD_DATA, ..Frame::default() };
    for (key, value) in headers {
        frame.push_header(key, *value);
    }
    frame.payload = Some(payload.to_vec().into());
    frame
}

fn part(message: &str, sum: &str, seq: &str, payload: &[u8]) -> Raw {
    let headers = [("type", "event"), ("message_id", message), ("sum", sum), ("seq", seq)];
    binary(&frame(&headers, payload).to_bytes())
}

/// A whole event with this text.
fn event(text: &str) -> Raw {
    part("m-raw", "1", "0", text.as_bytes())
}

/// The number of unreadable frames, by reason.
async fn bad(world: &World, reason: &str) -> u64 {
    world.count(&format!("cardkey_frame_bad_total{{app_id=\"{APP}\",reason=\"{reason}\"}}")).await
}

/// An honest event after it all, on whichever link.
async fn all_is_well(world: &World, round: usize) {
    let id = format!("honest-{round}");
    world.push(&World::envelope(&id, MESSAGE)).await;
    world.acknowledged(&id, 1).await;
}

#[tokio::test]
async fn unreadable_frames_are_counted_and_the_link_stays() {
    let world = World::new().await;
    world.links(2).await;
    let good = World::envelope("e", MESSAGE).to_string();
    let Raw::Binary { hex: whole } = event(&good) else { panic!("not binary") };
    let missing = [("type", "event"), ("sum", "1"), ("seq", "0")];
    let doubled = [("type", "event"), ("message_id", "m"), ("message_id", "n"), ("sum", "1"), ("seq", "0")];
    let rows = [
        ("W1 truncated protobuf", binary(&whole.0[..whole.0.len() / 2]), "frame"),
        ("W2 random bytes", binary(b"\xde\xad\xbe\xef\x00\x11\x22\x33"), "frame"),
        ("W3 wrong wire type", binary(&[0x0a, 0x00]), "frame"),
        ("W4 missing header", binary(&frame(&missing, good.as_bytes()).to_bytes()), "header_missing"),
        ("W5 doubled header", binary(&frame(&doubled, good.as_bytes()).to_bytes()), "header_twice"),
        ("W7 varint of 11 bytes", binary(&[vec![0x08], vec![0xff; 10], vec![0x01]].concat()), "frame"),
        ("W8 10k nested groups", binary(&vec![0x7b; 10_000]), "frame"),
        ("W9 text frame", Raw::Text { text: "{}".to_owned() }, "text"),
        ("W15 sum 2^31", part("m", "2147483648", "0", b"{}"), "sum"),
        ("W16 seq = sum", part("m", "2", "2", b"{}"), "seq"),
        ("W20 empty payload", event(""), "json"),
        ("W21 depth 10k", event(&"[".repeat(10_000)), "json"),
        ("W21 NaN", event(&good.replace("{}", "NaN")), "json"),
        ("W21 BOM", event(&format!("\u{feff}{good}")), "json"),
    ];
    for (round, (name, raw, reason)) in rows.into_iter().enumerate() {
        let before = bad(&world, reason).await;
        world.stream().send_raw(LINK, [raw]).unwrap();
        let series = format!("cardkey_frame_bad_total{{app_id=\"{APP}\",reason=\"{reason}\"}}");
        world.metric_is_at_least(&series, before + 1, name).await;
        all_is_well(&world, round).await;
    }
    assert_eq!(world.links_opened(), 2, "no link was given up for it");
    world.end().await;
}

#[tokio::test]
async fn frames_of_no_known_kind_are_passed_over() {
    let world = World::new().await;
    world.links(2).await;
    let good = World::envelope("e", MESSAGE).to_string();
    for (round, (method, service)) in [(7, SERVICE_ID), (-1, SERVICE_ID), (i32::MAX, -1)].into_iter().enumerate() {
        let headers = [("type", "event"), ("message_id", "m"), ("sum", "1"), ("seq", "0")];
        let odd = Frame { method, service, ..frame(&headers, good.as_bytes()) };
        world.stream().send_raw(LINK, [binary(&odd.to_bytes())]).unwrap();
        all_is_well(&world, round).await;
    }
    let (taken, opened) = (world.events("new").await, world.links_opened());
    assert_eq!((taken, opened), (3, 2), "W6 unknown method, negative service");
    world.end().await;
}

#[tokio::test]
async fn contradicting_parts_are_counted_and_the_rest_is_joined() {
    let world = World::new().await;
    world.links(2).await;
    let good = World::envelope("joined", MESSAGE).to_string();
    let (first, second) = good.as_bytes().split_at(40);
    let doubtful = |reason: &str| format!("cardkey_frame_bad_total{{app_id=\"{APP}\",reason=\"{reason}\"}}");
    world.stream().send_raw(LINK, [part("m", "2", "0", first), part("m", "3", "1", second)]).unwrap();
    world.metric_is_at_least(&doubtful("sum_differs"), 1, "W17 sum differs between parts").await;
    world.stream().send_raw(LINK, [part("m", "2", "0", b"other")]).unwrap();
    world.metric_is_at_least(&doubtful("part_differs"), 1, "W18 part repeated with other bytes").await;
    world.stream().send_raw(LINK, [part("m", "2", "1", second)]).unwrap();
    let new = format!("cardkey_event_total{{app_id=\"{APP}\",outcome=\"new\"}}");
    world.metric_is_at_least(&new, 1, "W17, W18 and then the missing part").await;
    // Held up to a bound, which 200 small ones are well below.
    let parts = (0..200).map(|n| part(&format!("never-{n}"), "64", "0", &[b'x'; 100]));
    world.stream().send_raw(LINK, parts).unwrap();
    let held = format!("cardkey_stream_partial_bytes{{app_id=\"{APP}\"}}");
    world.metric_is_at_least(&held, 20_000, "W19 parts that never complete").await;
    all_is_well(&world, 0).await;
    world.end().await;
}

#[tokio::test]
async fn events_that_say_nothing_usable_are_acknowledged_and_counted() {
    let world = World::new().await;
    world.links(2).await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut envelope = World::envelope("e", MESSAGE);
        change(&mut envelope);
        envelope.to_string()
    };
    let rows = [
        ("W22 no event_id", changed(&|e| drop(e["header"].as_object_mut().unwrap().remove("event_id"))), "event_id"),
        ("W22 event_id of 10 kB", changed(&|e| e["header"]["event_id"] = json!("e".repeat(10_000))), "event_id"),
        ("W25 app_id of someone else", changed(&|e| e["header"]["app_id"] = json!("cli_other")), "foreign_app"),
    ];
    for (round, (name, text, outcome)) in rows.into_iter().enumerate() {
        let before = world.events(outcome).await;
        world.stream().send_raw(LINK, [event(&text)]).unwrap();
        let series = format!("cardkey_event_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}");
        world.metric_is_at_least(&series, before + 1, name).await;
        all_is_well(&world, round).await;
    }
    // W23: the same id with another body is the same event. W24: nobody believes an event's own time.
    let taken = world.events("new").await;
    world.push(&World::envelope("honest-0", "another.type_v1")).await;
    world.acknowledged("honest-0", 2).await;
    for (id, time) in
        [("w24-a", json!("0")), ("w24-b", json!("4102444800000")), ("w24-c", json!("soon")), ("w24-d", json!(7))]
    {
        let mut envelope = World::envelope(id, MESSAGE);
        envelope["header"]["create_time"] = time;
        world.push(&envelope).await;
        world.acknowledged(id, 1).await;
    }
    assert_eq!((world.events("new").await, world.events("duplicate").await), (taken + 4, 1), "W23, W24");
    let refused = |entry: &&StreamLogEntry| matches!(&entry.what, StreamLogKind::Ack { code, .. } if *code != 200);
    assert_eq!(world.stream().log().iter().find(refused), None, "nothing of it comes again");
    world.end().await;
}

#[tokio::test]
async fn bytes_against_the_websocket_protocol_cost_the_link_and_nothing_else() {
    let close = |code: u16, reason: &[u8]| {
        let length = u8::try_from(reason.len() + 2).unwrap();
        [vec![0x88, length], code.to_be_bytes().to_vec(), reason.to_vec()].concat()
    };
    for (name, bytes) in [
        ("W10 a frame of 2^63 bytes", [vec![0x82, 127], (1_u64 << 63).to_be_bytes().to_vec()].concat()),
        ("W11 a message over the limit", [vec![0x82, 127], (2_u64 << 20).to_be_bytes().to_vec()].concat()),
        ("W12 a masked frame", vec![0x82, 0x81, 1, 2, 3, 4, b'x']),
        ("W12 RSV1", vec![0xc2, 0]),
        ("W12 a reserved opcode", vec![0x83, 0]),
        ("W12 a fragmented ping", vec![0x09, 0]),
        ("W12 a ping of 126 bytes", [vec![0x89, 126, 0, 126], vec![0; 126]].concat()),
        ("W13 a close of one byte", vec![0x88, 1, 3]),
        ("W13 a close with an invalid code", close(999, b"")),
        ("W13 a close with invalid UTF-8", close(1000, b"\xff\xfe")),
    ] {
        let world = World::new().await;
        world.links(2).await;
        world.stream().send_raw(LINK, [tcp(&bytes)]).unwrap();
        let closed =
            |entry: &StreamLogEntry| entry.connection == LINK && matches!(entry.what, StreamLogKind::Closed { .. });
        world.stream().wait_for(|log| log.iter().any(closed).then_some(())).await;
        world.links(3).await;
        all_is_well(&world, 0).await;
        assert_eq!(world.events("new").await, 1, "{name}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_link_that_brings_nothing_but_rubbish_is_replaced() {
    let world = World::new().await;
    world.links(2).await;
    world.stream().send_raw(LINK, (0..101).map(|_| binary(b"\xff"))).unwrap();
    world.links(3).await;
    all_is_well(&world, 0).await;
    assert_eq!(bad(&world, "frame").await, 101);
    world.end().await;
}

#[tokio::test]
async fn garbage_before_each_event_does_not_harm_it() {
    let world = World::new().await;
    world.links(2).await;
    let garbage = vec![binary(b"\xff"), Raw::Text { text: "hello".to_owned() }, binary(&[0x7b; 100])];
    world.stream().set_faults(StreamFaults { garbage, ..StreamFaults::default() });
    for round in 0..5 {
        all_is_well(&world, round).await;
    }
    assert_eq!(world.events("new").await, 5);
    assert_eq!((bad(&world, "frame").await, bad(&world, "text").await), (10, 5));
    world.end().await;
}

#[tokio::test]
async fn an_unfit_address_from_the_endpoint_is_not_dialled() {
    // A stream that nobody may dial.
    let other = World::without_gateway(Setup::default()).await;
    let here = other.stream().address();
    for (name, address) in [
        ("W27 an IP address", "ws://10.9.8.7/ws/v2?device_id=1&service_id=1".to_owned()),
        ("W27 a foreign name", "ws://evil.example/ws/v2?device_id=1&service_id=1".to_owned()),
        ("W27 a user in it", format!("ws://user:word@{here}/ws/v2?device_id=1&service_id=1")),
        ("W27 not a WebSocket", format!("http://{here}/ws/v2?device_id=1&service_id=1")),
        ("W27 no service_id", format!("ws://{here}/ws/v2?device_id=1")),
        ("W27 a service_id that is no number", format!("ws://{here}/ws/v2?device_id=1&service_id=x")),
        ("W27 1 MB", format!("ws://{here}/ws/v2?device_id=1&service_id=1&x={}", "x".repeat(1 << 20))),
        ("W27 nothing", String::new()),
    ] {
        let setup = Setup::default().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", "1");
        let mut world = World::without_gateway(setup).await;
        world.stream().set_faults(StreamFaults { endpoint_url: Some(address), ..StreamFaults::default() });
        world.start_gateway().await;
        world.worked("endpoint", 2).await;
        let readiness = world.readiness_is("degraded").await;
        assert_eq!(readiness["apps"][0]["links"], 0, "{name}: {readiness}");
        for sandbox in [&world, &other] {
            let dialled = sandbox.stream().log().iter().any(|entry| matches!(entry.what, StreamLogKind::Dial));
            assert!(!dialled, "{name}");
        }
        world.end().await;
    }
    other.end().await;
}

#[tokio::test]
async fn client_settings_that_make_no_sense_do_not_make_it_restless() {
    for (name, config) in [
        ("W28 zero", json!({ "PingInterval": 0, "ReconnectInterval": 0, "ReconnectNonce": 0 })),
        ("W28 negative", json!({ "PingInterval": -1, "ReconnectInterval": -1, "ReconnectCount": 0 })),
        ("W28 huge", json!({ "PingInterval": 1_000_000_000, "ReconnectInterval": 1_000_000_000 })),
        ("W28 not numbers", json!({ "PingInterval": "often", "ReconnectInterval": null })),
        ("W28 not an object", json!("x")),
    ] {
        let mut world = World::without_gateway(Setup::default()).await;
        world.stream().set_faults(StreamFaults { client_config: Some(config), ..StreamFaults::default() });
        world.start_gateway().await;
        world.links(2).await;
        for round in 0..20 {
            all_is_well(&world, round).await;
        }
        let log = world.stream().log();
        let pings = log.iter().filter(|entry| matches!(entry.what, StreamLogKind::Ping)).count();
        assert!(pings <= 4, "{name}: {pings} pings");
        assert_eq!(world.links_opened(), 2, "{name}");
        world.end().await;
    }
}
