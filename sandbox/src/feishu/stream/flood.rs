//! What this platform brings to a flood: its two kinds of events as prepared frames, and how an acknowledgement is read.

use tokio_tungstenite::tungstenite::Message;

use super::ack_scan;
use super::config::StreamConfig;
use super::faults::StreamFaults;
use super::sample::Sample;
use super::shape::{self, Letter};
use crate::websocket::flood::template::{self, Template, padded};
use crate::websocket::flood::{FloodSpec, Kit};
use crate::websocket::raw::Wire;
use crate::websocket::source::Random;

/// Everything for a flood of this stream.
pub(super) fn kit(spec: &FloodSpec, config: &StreamConfig, now_ms: u64, random: &mut Random) -> Kit {
    let sample = Sample { app_id: &config.app_id, tenant_key: &config.tenant_key, now_ms };
    Kit {
        templates: [message(&sample, spec.event_bytes, random), card_action(&sample, spec.event_bytes, random)],
        message: |frame| Some(Message::Binary(frame)),
        scan: ack_scan::scan,
        patience: config.callback_timeout,
    }
}

/// `im.message.receive_v1` of that many bytes of JSON.
fn message(sample: &Sample<'_>, bytes: usize, random: &mut Random) -> Option<Template> {
    let mut event = sample.message(random);
    event["event"]["message"]["message_id"] = format!("om_{}", template::own_id()).into();
    event["header"]["event_id"] = template::event_id().into();
    let json = padded(event, bytes, |event, padding| {
        let content = format!(r#"{{"text":"{padding}"}}"#);
        event["event"]["message"]["content"] = content.into();
    });
    frame(json, sample.now_ms, random)
}

/// `card.action.trigger` of that many bytes of JSON.
fn card_action(sample: &Sample<'_>, bytes: usize, random: &mut Random) -> Option<Template> {
    let mut event = sample.card_action(random);
    event["event"]["token"] = format!("c-{}", template::own_id()).into();
    event["header"]["event_id"] = template::event_id().into();
    let json = padded(event, bytes, |event, padding| {
        event["event"]["action"]["value"]["padding"] = padding.into();
    });
    frame(json, sample.now_ms, random)
}

fn frame(json: String, now_ms: u64, random: &mut Random) -> Option<Template> {
    let message_id = template::message_id();
    let letter = Letter { message_id: &message_id, payload: &json.into(), timestamp_ms: now_ms, log_id: 7_000 };
    match shape::wires(&letter, &mut StreamFaults::default(), random).into_iter().next()? {
        Wire::Message(message) => Template::of(message.into_data().to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::feishu::stream::frame::Frame;

    #[test]
    fn both_kinds_have_the_length_asked_for_and_their_own_ids() {
        let mut random = Random::new(1);
        let sample = Sample { app_id: "cli_1", tenant_key: "t", now_ms: 1 };
        let message = message(&sample, 1_000, &mut random).unwrap();
        let card = card_action(&sample, 1_000, &mut random).unwrap();
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
