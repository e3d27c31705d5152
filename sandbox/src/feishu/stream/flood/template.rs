//! A frame made once, in which ids of fixed length are overwritten for each event.

use bytes::Bytes;
use serde_json::Value;

use crate::feishu::stream::{
    faults::StreamFaults,
    raw::Wire,
    sample::Sample,
    shape::{self, Letter},
    source::Random,
};

/// Placeholders; no other part of a frame can look like these, for want of capital letters.
const MESSAGE_ID: [u8; 36] = [b'M'; 36];
const EVENT_ID: [u8; 32] = [b'E'; 32];
const OWN_ID: [u8; 32] = [b'O'; 32];

/// One kind of event.
pub(super) struct Template {
    bytes: Vec<u8>,
    message_id: usize,
    event_id: usize,
    /// The id that the event itself has: of the message, or of the card action's token.
    own_id: usize,
}

impl Template {
    /// `im.message.receive_v1` of that many bytes of JSON.
    pub(super) fn message(sample: &Sample<'_>, bytes: usize, random: &mut Random) -> Option<Self> {
        let mut event = sample.message(random);
        let message = &mut event["event"]["message"];
        message["message_id"] = format!("om_{}", text(&OWN_ID)).into();
        event["header"]["event_id"] = text(&EVENT_ID).into();
        let json = padded(event, bytes, |event, padding| {
            let content = format!(r#"{{"text":"{padding}"}}"#);
            event["event"]["message"]["content"] = content.into();
        });
        Self::new(json, sample.now_ms, random)
    }

    /// `card.action.trigger` of that many bytes of JSON.
    pub(super) fn card_action(sample: &Sample<'_>, bytes: usize, random: &mut Random) -> Option<Self> {
        let mut event = sample.card_action(random);
        event["event"]["token"] = format!("c-{}", text(&OWN_ID)).into();
        event["header"]["event_id"] = text(&EVENT_ID).into();
        let json = padded(event, bytes, |event, padding| {
            event["event"]["action"]["value"]["padding"] = padding.into();
        });
        Self::new(json, sample.now_ms, random)
    }

    /// Nothing when a placeholder got lost, which a test excludes.
    fn new(json: String, now_ms: u64, random: &mut Random) -> Option<Self> {
        let letter =
            Letter { message_id: &text(&MESSAGE_ID), payload: &json.into(), timestamp_ms: now_ms, log_id: 7_000 };
        let mut faults = StreamFaults::default();
        let wires = shape::wires(&letter, &mut faults, random);
        let Some(Wire::Message(message)) = wires.into_iter().next() else {
            return None;
        };
        let bytes = message.into_data().to_vec();
        Some(Self {
            message_id: position(&bytes, &MESSAGE_ID)?,
            event_id: position(&bytes, &EVENT_ID)?,
            own_id: position(&bytes, &OWN_ID)?,
            bytes,
        })
    }

    /// Makes it a new event.
    pub(super) fn renew(&mut self, event_id: &[u8; 32], own_id: &[u8; 32]) {
        self.bytes[self.event_id..][..32].copy_from_slice(event_id);
        self.bytes[self.own_id..][..32].copy_from_slice(own_id);
    }

    /// The frame of the present event under that message id.
    pub(super) fn frame(&mut self, message_id: &[u8; 36]) -> Bytes {
        self.bytes[self.message_id..][..36].copy_from_slice(message_id);
        Bytes::copy_from_slice(&self.bytes)
    }
}

fn text(placeholder: &[u8]) -> String {
    placeholder.iter().map(|b| char::from(*b)).collect()
}

fn position(bytes: &[u8], placeholder: &[u8]) -> Option<usize> {
    bytes.windows(placeholder.len()).position(|w| w == placeholder)
}

/// The event with as much padding as makes its JSON that long.
fn padded(mut event: Value, bytes: usize, pad: impl Fn(&mut Value, String)) -> String {
    pad(&mut event, String::new());
    let missing = bytes.saturating_sub(event.to_string().len());
    pad(&mut event, "x".repeat(missing));
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feishu::stream::frame::Frame;

    #[test]
    fn both_kinds_have_the_length_asked_for_and_their_own_ids() {
        let mut random = Random::new(1);
        let sample = Sample { app_id: "cli_1", tenant_key: "t", now_ms: 1 };
        let message = Template::message(&sample, 1_000, &mut random).unwrap();
        let card = Template::card_action(&sample, 1_000, &mut random).unwrap();
        for mut template in [message, card] {
            template.renew(&[b'1'; 32], &[b'2'; 32]);
            let frame = Frame::parse(&template.frame(&[b'3'; 36])).unwrap();
            assert_eq!(frame.header("message_id"), Some(&*"3".repeat(36)));
            let payload = frame.payload.unwrap();
            assert_eq!(payload.len(), 1_000);
            let event: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(event["header"]["event_id"], "1".repeat(32));
            assert!(event["event"].to_string().contains(&"2".repeat(32)));
        }
    }
}
