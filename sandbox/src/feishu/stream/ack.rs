//! What a client says about a frame: the acknowledgement, and the callback answer inside it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{config::CallbackError, frame::Frame};

/// The code of an acknowledgement that settles the event.
pub(super) const ACCEPTED: i64 = 200;

/// One acknowledgement frame, read.
#[derive(Clone, Debug)]
pub(super) struct Ack {
    /// Which frame it answers.
    pub(super) message_id: String,
    /// `code` of the payload.
    pub(super) code: i64,
    /// The whole payload.
    pub(super) payload: Value,
    /// How long the client says its handler took, verbatim.
    pub(super) biz_rt: Option<String>,
}

impl Ack {
    /// Reads an acknowledgement; the error says what is wrong with it.
    pub(super) fn read(frame: &Frame) -> Result<Self, &'static str> {
        let message_id = frame.header("message_id").ok_or("no message_id header")?;
        let bytes = frame.payload.as_deref().ok_or("no payload")?;
        let payload: Value = serde_json::from_slice(bytes).map_err(|_| "the payload is not JSON")?;
        let code = payload["code"].as_i64().ok_or("no code in the payload")?;
        Ok(Self { message_id: message_id.to_owned(), code, biz_rt: frame.header("biz_rt").map(str::to_owned), payload })
    }

    /// The object that answers a callback; `{}` when the client gave none.
    pub(super) fn answer(&self) -> Result<Value, CallbackError> {
        if self.code != ACCEPTED {
            return Err(CallbackError::HandlerFailed(self.code));
        }
        match &self.payload["data"] {
            Value::Null => Ok(json!({})),
            Value::String(text) => decode(text),
            _ => Err(CallbackError::BadAnswer("data is not text")),
        }
    }
}

fn decode(text: &str) -> Result<Value, CallbackError> {
    let bytes = STANDARD.decode(text).map_err(|_| CallbackError::BadAnswer("data is not base64"))?;
    match serde_json::from_slice(&bytes) {
        Ok(answer @ Value::Object(_)) => Ok(answer),
        Ok(Value::Null) => Ok(json!({})),
        Ok(_) => Err(CallbackError::BadAnswer("not an object")),
        Err(_) => Err(CallbackError::BadAnswer("not JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(payload: &'static str) -> Result<Ack, &'static str> {
        let mut frame = Frame { payload: Some(payload.into()), ..Frame::default() };
        frame.push_header("message_id", "m-1");
        frame.push_header("biz_rt", "-1");
        Ack::read(&frame)
    }

    #[test]
    fn every_official_style_is_read() {
        for empty in [r#"{"code": 200}"#, r#"{"code":200,"headers":null,"data":null}"#, r#"{"code":200,"data":"e30="}"#]
        {
            assert_eq!(ack(empty).unwrap().answer(), Ok(json!({})), "{empty}");
        }
        let toast = ack(r#"{"data":"eyJ0b2FzdCI6MX0=","code":200}"#).unwrap();
        assert_eq!(toast.answer(), Ok(json!({"toast": 1})));
        assert_eq!(toast.biz_rt.as_deref(), Some("-1"));
    }

    #[test]
    fn failures_have_the_codes_that_people_see() {
        let code = |payload| ack(payload).unwrap().answer().unwrap_err().code();
        assert_eq!(code(r#"{"code":500}"#), 200_671);
        assert_eq!(code(r#"{"code":200,"data":{"toast":1}}"#), 200_672);
        assert_eq!(code(r#"{"code":200,"data":"***"}"#), 200_672);
        // A JSON string, which is what the Node client sends for an event without handler.
        assert_eq!(code(r#"{"code":200,"data":"Im5vIg=="}"#), 200_672);
        assert!(ack("{}").is_err());
        assert!(ack("code").is_err());
    }
}
