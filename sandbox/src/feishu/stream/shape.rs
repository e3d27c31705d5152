//! From one event to what is put on the wire for it: frames, parts, and whatever the faults add or take.
//!
//! Pure: who gets it and when is decided elsewhere.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::{
    config::SERVICE_ID,
    faults::{Cut, PartOrder, Split, StreamFaults},
    frame::{Frame, METHOD_DATA},
    raw::{Wire, websocket_frame},
    source::Random,
    trouble::{Close, CloseWhen},
};

/// What is common to all frames of one delivery.
pub(super) struct Letter<'a> {
    /// Names the delivery; the acknowledgement repeats it.
    pub(super) message_id: &'a str,
    /// The envelope as JSON.
    pub(super) payload: &'a Bytes,
    /// Milliseconds since the Unix epoch.
    pub(super) timestamp_ms: u64,
    /// `LogID` of the first part; later parts count up.
    pub(super) log_id: u64,
}

/// Everything to be written for one delivery, in order.
pub(super) fn wires(letter: &Letter<'_>, faults: &mut StreamFaults, random: &mut Random) -> Vec<Wire> {
    if let Some(close) = faults.spend_close(CloseWhen::InsteadOfEvent) {
        return vec![close_wire(&close)];
    }
    let mut wires: Vec<Wire> = faults.garbage.iter().cloned().map(Wire::from).collect();
    let frames = frames(letter, faults, random);
    if let Some(cut) = faults.spend_cut() {
        wires.extend(cut_wires(&frames, &cut));
        return wires;
    }
    let messages = frames.iter().map(|f| Message::Binary(f.to_bytes()));
    wires.extend(messages.map(Wire::Message));
    if let Some(close) = faults.spend_close(CloseWhen::AfterEvent) {
        wires.push(close_wire(&close));
    }
    wires
}

fn close_wire(close: &Close) -> Wire {
    Wire::close(close.code, &close.reason)
}

fn cut_wires(frames: &[Frame], cut: &Cut) -> Vec<Wire> {
    let mut bytes = frames.first().map(|f| websocket_frame(&f.to_bytes())).unwrap_or_default();
    bytes.truncate(cut.after_bytes);
    vec![Wire::Tcp(bytes.into()), Wire::Hangup { reset: cut.reset }]
}

/// The data frames of one delivery in the order of sending.
fn frames(letter: &Letter<'_>, faults: &StreamFaults, random: &mut Random) -> Vec<Frame> {
    let frame_type = faults.frame_type.as_deref().unwrap_or("event");
    let mut frames = match &faults.split {
        Some(split) if split.parts > 1 => parts(letter, split, frame_type, random),
        _ => {
            let whole = Part { payload: letter.payload.clone(), sum: 1, seq: 0 };
            vec![data_frame(letter, whole, frame_type, random)]
        }
    };
    for frame in &mut frames {
        frame.headers.retain(|h| !faults.omit_headers.contains(&h.key));
    }
    frames
}

struct Part {
    payload: Bytes,
    sum: u32,
    seq: u32,
}

fn parts(letter: &Letter<'_>, split: &Split, kind: &str, random: &mut Random) -> Vec<Frame> {
    let mut sequence: Vec<u32> = (0..split.parts)
        .filter(|seq| Some(*seq) != split.drop)
        .flat_map(|seq| vec![seq; if Some(seq) == split.repeat { 2 } else { 1 }])
        .collect();
    if split.order == PartOrder::Reversed {
        sequence.reverse();
    }
    let frame_of = |seq| {
        let payload = slice(letter.payload, split.parts, seq);
        let sum = split.parts;
        data_frame(letter, Part { payload, sum, seq }, kind, random)
    };
    sequence.into_iter().map(frame_of).collect()
}

/// The bytes of part `seq` when all are cut into `sum` parts.
fn slice(whole: &Bytes, sum: u32, seq: u32) -> Bytes {
    let border = |n: u32| {
        let at = whole.len() as u64 * u64::from(n) / u64::from(sum);
        usize::try_from(at).unwrap_or(whole.len())
    };
    whole.slice(border(seq)..border(seq + 1))
}

/// Headers in the order in which the platform's frames were seen to have them.
fn data_frame(letter: &Letter<'_>, part: Part, kind: &str, random: &mut Random) -> Frame {
    let mut frame = Frame {
        seq_id: 0,
        log_id: letter.log_id + u64::from(part.seq),
        service: SERVICE_ID,
        method: METHOD_DATA,
        headers: Vec::with_capacity(7),
        payload_encoding: Some("json".to_owned()),
        payload_type: Some("json".to_owned()),
        payload: Some(part.payload),
        log_id_new: Some(random.hex32()),
    };
    frame.push_header("type", kind);
    frame.push_header("message_id", letter.message_id);
    frame.push_header("sum", part.sum.to_string());
    frame.push_header("seq", part.seq.to_string());
    frame.push_header("trace_id", random.hex32());
    frame.push_header("timestamp", letter.timestamp_ms.to_string());
    frame.push_header("instance_id", "sandbox-1");
    frame
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shaped(faults: serde_json::Value) -> Vec<Wire> {
        let letter =
            Letter { message_id: "m-1", payload: &Bytes::from_static(b"0123456789"), timestamp_ms: 5, log_id: 7_000 };
        let mut faults = serde_json::from_value(faults).unwrap();
        wires(&letter, &mut faults, &mut Random::new(1))
    }

    fn frame(wire: &Wire) -> Frame {
        match wire {
            Wire::Message(Message::Binary(bytes)) => Frame::parse(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn part_texts(wires: &[Wire]) -> Vec<(String, String)> {
        let text = |f: Frame| {
            let seq = f.header("seq").unwrap().to_owned();
            (seq, String::from_utf8(f.payload.unwrap().to_vec()).unwrap())
        };
        wires.iter().map(|w| text(frame(w))).collect()
    }

    #[test]
    fn headers_in_the_order_of_the_platform() {
        let frame = frame(&shaped(json!({}))[0]);
        let keys: Vec<_> = frame.headers.iter().map(|h| h.key.as_str()).collect();
        assert_eq!(keys, ["type", "message_id", "sum", "seq", "trace_id", "timestamp", "instance_id"]);
        assert_eq!(frame.header("type"), Some("event"));
        assert_eq!((frame.log_id, frame.service), (7_000, SERVICE_ID));
    }

    #[test]
    fn parts_in_any_order_lost_and_repeated() {
        let pairs = |faults| {
            part_texts(&shaped(faults)).into_iter().map(|(seq, text)| format!("{seq}:{text}")).collect::<Vec<_>>()
        };
        assert_eq!(pairs(json!({"split": {"parts": 3}})), ["0:012", "1:345", "2:6789"]);
        assert_eq!(
            pairs(json!({"split": {"parts": 3, "order": "reversed", "drop": 1, "repeat": 0}})),
            ["2:6789", "0:012", "0:012"]
        );
    }

    #[test]
    fn garbage_first_and_cut_last() {
        let wires = shaped(json!({
            "garbage": [{"kind": "binary", "hex": "ff"}, {"kind": "text", "text": "x"}],
            "cut": {"after_bytes": 7},
        }));
        assert!(matches!(&wires[0], Wire::Message(Message::Binary(b)) if b[..] == [0xff]));
        assert!(matches!(&wires[1], Wire::Message(Message::Text(_))));
        assert!(matches!(&wires[2], Wire::Tcp(b) if b.len() == 7 && b[0] == 0x82));
        assert!(matches!(&wires[3], Wire::Hangup { reset: false }));
    }

    #[test]
    fn type_override_and_missing_headers() {
        let frame = frame(&shaped(json!({"frame_type": "card", "omit_headers": ["trace_id"]}))[0]);
        assert_eq!(frame.header("type"), Some("card"));
        assert_eq!(frame.header("trace_id"), None);
    }

    #[test]
    fn closes_around_the_event() {
        let after = shaped(json!({"close": {"code": 1001, "when": "after_event"}}));
        assert_eq!(after.len(), 2);
        let instead = shaped(json!({"close": {"code": 1001, "when": "instead_of_event"}}));
        assert!(matches!(&instead[..], [Wire::Message(Message::Close(_))]));
    }
}
