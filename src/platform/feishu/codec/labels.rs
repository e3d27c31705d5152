//! The headers of a frame that mean something to us. All others are only echoed.

use crate::domain::ids::MAX_ID_BYTES;
use crate::platform::feishu::frame::canonical::Canonical;
use crate::platform::feishu::parts::{MAX_PARTS, Place};

/// The headers of a data frame. All four are required; a missing, doubled or unreadable one makes the frame bad.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels<'a> {
    kind: &'a [u8],
    message: &'a [u8],
    sum: u32,
    seq: u32,
}

impl<'a> Labels<'a> {
    /// Reads them; the error is a metric label.
    pub(super) fn read(frame: &Canonical<'a>) -> Result<Self, &'static str> {
        let [mut kind, mut message, mut sum, mut seq] = [None; 4];
        for (key, value) in frame.headers() {
            let place = match key {
                b"type" => &mut kind,
                b"message_id" => &mut message,
                b"sum" => &mut sum,
                b"seq" => &mut seq,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err("header_twice");
            }
        }
        let (Some(kind), Some(message), Some(sum), Some(seq)) = (kind, message, sum, seq) else {
            return Err("header_missing");
        };
        Self { kind, message, sum: number(sum)?, seq: number(seq)? }.checked()
    }

    fn checked(self) -> Result<Self, &'static str> {
        if self.sum > MAX_PARTS {
            Err("sum")
        } else if self.seq >= self.sum.max(1) {
            Err("seq")
        } else if !(1..=MAX_ID_BYTES).contains(&self.message.len()) {
            Err("message_id")
        } else {
            Ok(self)
        }
    }

    /// Whether the frame carries something that we know how to read.
    pub(super) fn is_known(self) -> bool {
        self.kind == b"event" || self.is_card()
    }

    /// Whether it came the old way for card taps.
    pub(super) fn is_card(self) -> bool {
        self.kind == b"card"
    }

    /// Where the part belongs, if the message has several.
    pub(super) fn place(self) -> Option<Place<'a>> {
        (self.sum > 1).then_some(Place { message: self.message, sum: self.sum, seq: self.seq })
    }
}

fn number(text: &[u8]) -> Result<u32, &'static str> {
    let digits = (1..=10).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or("header_number")
}

/// The settings that a pong brings, if the frame is one and brings any.
pub(super) fn pong<'a>(frame: &Canonical<'a>) -> Option<&'a [u8]> {
    let is_pong = frame.headers().any(|(key, value)| key == b"type" && value == b"pong");
    (is_pong && !frame.payload.is_empty()).then_some(frame.payload)
}
