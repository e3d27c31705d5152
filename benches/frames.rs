//! How long a pushed event takes from its bytes to those of its ack, without network and store: 128 events are read,
//! then answered, over and over. `cargo bench --bench frames`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not a part of the program")]
#![expect(clippy::disallowed_methods, reason = "there is no clock of the program here")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use cardkey::domain::event::Verdict;
use cardkey::domain::ids::AppId;
use cardkey::platform::feishu::codec::{FeishuCodec, Renderer};
use cardkey::platform::feishu::frame::{DATA, Frame, Header};
use cardkey::platform::feishu::timing::Timing;
use cardkey::stream::contract::{Codec as _, Step};
use prost::Message as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

const IN_FLIGHT: usize = 128;
const EVENT_BYTES: usize = 1000;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: u32 = 5;

/// As the platform sends it, with the headers that it sends.
fn pushed() -> Vec<u8> {
    let headers = [
        ("type", "event"),
        ("message_id", "0197f2f4-5f3a-7c41-9d3c-6d8e1b2a4c5d"),
        ("sum", "1"),
        ("seq", "0"),
        ("trace_id", "c1b0a9f8e7d6c5b4a3928170f6e5d4c3"),
        ("timestamp", "1760000000000"),
    ];
    let head = r#"{"schema":"2.0","header":{"event_id":"5e3702a84e847582be8db7fb73283c02","token":"","create_time":"1760000000000","event_type":"im.message.receive_v1","tenant_key":"2ca1d211f64f6438","app_id":"cli_a1b2c3d4e5f60718"},"event":{"text":""#;
    let filler = "x".repeat(EVENT_BYTES - head.len() - 3);
    let frame = Frame {
        seq_id: 1,
        log_id: 7_000,
        service: 33_554_678,
        method: DATA,
        headers: headers.into_iter().map(|(key, value)| Header::new(key, value)).collect(),
        payload: Some(Bytes::from(format!(r#"{head}{filler}"}}}}"#))),
        ..Frame::default()
    };
    frame.encode_to_vec()
}

/// One after the other out of a shared buffer, as a socket's reader cuts them.
fn receive(codec: &mut FeishuCodec, buffer: &mut BytesMut, frame: &[u8]) -> Step {
    buffer.reserve(frame.len().max(8 << 10));
    buffer.extend_from_slice(frame);
    codec.on_message(Message::Binary(buffer.split().freeze()), Duration::ZERO)
}

fn main() {
    let renderer = Renderer { toast: |_| Value::Null, card: Arc::new(|_| Value::Null) };
    let app = AppId::parse("cli_a1b2c3d4e5f60718").unwrap();
    let mut codec = FeishuCodec::new(app, 33_554_678, Timing::default(), renderer);
    let (frame, mut buffer) = (pushed(), BytesMut::new());
    for round in 1..=ROUNDS {
        let (begun, mut events) = (Instant::now(), 0);
        while begun.elapsed() < ROUND {
            let steps: Vec<_> = (0..IN_FLIGHT).map(|_| receive(&mut codec, &mut buffer, &frame)).collect();
            for step in steps {
                let Step::Deliver { slot, event } = step else { panic!("no event in {step:?}") };
                black_box(event);
                black_box(codec.ack(slot, &Verdict::accepted(), Duration::from_millis(1)));
                events += 1;
            }
        }
        println!("round {round}: {:.0} ns per event", begun.elapsed().as_nanos() as f64 / f64::from(events));
    }
}
