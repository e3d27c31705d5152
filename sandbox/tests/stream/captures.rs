//! Every frame that was recorded between the official clients and a server is read and written unchanged.

use std::{fs, path::PathBuf};

use cardkey_sandbox::feishu::stream::frame::{Frame, Header};
use serde_json::Value;

fn captures() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feishu");
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let capture = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path.display().to_string(), capture)
        })
        .collect()
}

fn headers(decoded: &Value) -> Vec<Header> {
    let pairs = decoded["headers"].as_array().unwrap().iter();
    pairs
        .map(|pair| Header { key: pair[0].as_str().unwrap().to_owned(), value: pair[1].as_str().unwrap().to_owned() })
        .collect()
}

#[test]
fn frames_are_read_and_written_byte_for_byte() {
    let mut checked = 0;
    for (name, capture) in captures() {
        for recorded in capture["frames"].as_array().unwrap() {
            let digits = recorded["hex"].as_str().unwrap();
            let frame = Frame::parse(&hex::decode(digits).unwrap().into()).unwrap();
            let decoded = &recorded["decoded"];
            assert_eq!(hex::encode(frame.to_bytes()), digits, "{name}");
            assert_eq!(frame.seq_id, decoded["SeqID"], "{name}");
            assert_eq!(frame.log_id, decoded["LogID"], "{name}");
            assert_eq!(frame.service, decoded["service"], "{name}");
            assert_eq!(frame.method, decoded["method"], "{name}");
            assert_eq!(frame.headers, headers(decoded), "{name}");
            assert_eq!(frame.log_id_new.as_deref(), decoded["LogIDNew"].as_str());
            let payload = frame.payload.as_deref();
            let text = decoded["payload_utf8"].as_str();
            assert_eq!(payload, text.map(str::as_bytes), "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 40, "only {checked} frames");
}
