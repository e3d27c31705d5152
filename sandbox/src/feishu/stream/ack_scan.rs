//! The two facts that a flood wants of an acknowledgement, found without building a frame.

use super::wire_format::{Fields, Value};
use crate::websocket::flood::AckScan;

/// `Frame.headers`.
const HEADERS: u64 = 5;
/// `Frame.payload`.
const PAYLOAD: u64 = 8;

/// The code of an acknowledgement that settles the event.
const ACCEPTED: u32 = 200;

/// Scans a frame; nothing when it has no message id or is damaged.
pub(super) fn scan(frame: &[u8]) -> Option<AckScan<'_>> {
    let (mut message_id, mut code) = (None, None);
    for field in Fields::of(frame) {
        match field.ok()? {
            (HEADERS, Value::Bytes(header)) if message_id.is_none() => {
                message_id = value_of(header, b"message_id");
            }
            (PAYLOAD, Value::Bytes(payload)) => code = code_in(payload),
            _ => {}
        }
    }
    Some(AckScan { message_id: message_id?, accepted: code == Some(ACCEPTED) })
}

/// A header's value, if it has that key.
fn value_of<'a>(header: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut fields = Fields::of(header);
    match (fields.next()?.ok()?, fields.next()?.ok()?) {
        ((1, Value::Bytes(k)), (2, Value::Bytes(v))) if k == key => Some(v),
        _ => None,
    }
}

/// The number after `"code":` in JSON text. Other members cannot hold that text: base64 has no quotes.
fn code_in(json: &[u8]) -> Option<u32> {
    const KEY: &[u8] = b"\"code\"";
    let at = json.windows(KEY.len()).position(|w| w == KEY)?;
    let rest = json[at + KEY.len()..].trim_ascii_start();
    let digits = rest.strip_prefix(b":")?.trim_ascii_start();
    let mut code: u32 = 0;
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    for digit in digits.get(..len).filter(|d| !d.is_empty())? {
        code = code.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feishu::stream::frame::Frame;

    #[test]
    fn codes_as_clients_write_them() {
        for (json, code) in [
            (r#"{"code":200}"#, Some(200)),
            (r#"{ "code" : 500 }"#, Some(500)),
            (r#"{"data":"e30=","code": 200}"#, Some(200)),
            (r#"{"code":200,"headers":null,"data":null}"#, Some(200)),
            (r#"{"code":"200"}"#, None),
            (r#"{"code":99999999999}"#, None),
            ("", None),
        ] {
            assert_eq!(code_in(json.as_bytes()), code, "{json}");
        }
    }

    #[test]
    fn finds_both_in_a_frame() {
        let mut frame = Frame { payload: Some("{\"code\":200}".into()), ..Frame::default() };
        assert_eq!(scan(&frame.to_bytes()), None);
        frame.push_header("type", "event");
        frame.push_header("message_id", "m-1");
        let bytes = frame.to_bytes();
        let found = scan(&bytes).unwrap();
        assert_eq!((found.message_id, found.accepted), (&b"m-1"[..], true));
        assert_eq!(scan(&bytes[..bytes.len() - 1]), None);
    }
}
