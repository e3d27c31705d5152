//! A frame read where it lies: one walk over the received bytes, which remembers places and copies nothing.
//!
//! Canonical is what the encoder of [`Frame`] writes and what the platform sends: the fields 1 to 5 and 8 as the schema
//! names them, in ascending order, numbers as short as they can be, and nothing that the schema does not know. Every such
//! frame has exactly one form, so that an ack can be made of pieces of what came. All others are written anew
//! ([`canonical_form`]) and read like these; a frame that cannot be decoded at all is no frame.

use bytes::Bytes;
use prost::{DecodeError, Message as _};

use crate::platform::feishu::frame::Frame;

/// Number and type of each field, as one byte in front of it.
mod tag {
    pub(super) const SEQ_ID: u8 = 0x08;
    pub(super) const LOG_ID: u8 = 0x10;
    pub(super) const SERVICE: u8 = 0x18;
    pub(super) const METHOD: u8 = 0x20;
    pub(super) const HEADER: u8 = 0x2a;
    pub(super) const PAYLOAD_ENCODING: u8 = 0x32;
    pub(super) const PAYLOAD_TYPE: u8 = 0x3a;
    pub(super) const PAYLOAD: u8 = 0x42;
    pub(super) const LOG_ID_NEW: u8 = 0x4a;
    pub(super) const KEY: u8 = 0x0a;
    pub(super) const VALUE: u8 = 0x12;
}

/// How many bytes a number takes at the most.
const MAX_VARINT_BYTES: usize = 10;

/// A canonical frame; borrows what was received.
#[derive(Clone, Copy)]
pub struct Canonical<'a> {
    /// [`CONTROL`](super::CONTROL), [`DATA`](super::DATA) or something unknown.
    pub method: i32,
    /// The payload, empty if there is none.
    pub payload: &'a [u8],
    /// The fields 1 to 4.
    numbers: &'a [u8],
    /// All fields 5.
    headers: &'a [u8],
    /// The fields 6 and 7.
    before_payload: &'a [u8],
    /// Field 9.
    after_payload: &'a [u8],
}

/// The canonical bytes of any frame that can be decoded.
pub fn canonical_form(bytes: Bytes) -> Result<Vec<u8>, DecodeError> {
    Frame::decode(bytes).map(|frame| frame.encode_to_vec())
}

impl<'a> Canonical<'a> {
    /// Reads it, if it is canonical.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut walk = Walk(bytes);
        walk.number(tag::SEQ_ID)?;
        walk.number(tag::LOG_ID)?;
        walk.small_number(tag::SERVICE)?;
        let method = walk.small_number(tag::METHOD)?;
        let headers = walk.0;
        while let Some(header) = walk.text_if(tag::HEADER)? {
            parts(header)?;
        }
        let before_payload = walk.0;
        walk.text_if(tag::PAYLOAD_ENCODING)?;
        walk.text_if(tag::PAYLOAD_TYPE)?;
        let payload_field = walk.0;
        let payload = walk.text_if(tag::PAYLOAD)?.unwrap_or_default();
        let after_payload = walk.0;
        walk.text_if(tag::LOG_ID_NEW)?;
        walk.0.is_empty().then(|| Self {
            method,
            payload,
            numbers: up_to(bytes, headers),
            headers: up_to(headers, before_payload),
            before_payload: up_to(before_payload, payload_field),
            after_payload,
        })
    }

    /// Its headers, key and value, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut walk = Walk(self.headers);
        std::iter::from_fn(move || walk.text_if(tag::HEADER)?.and_then(parts))
    }

    /// The same frame without its payload, to be finished later; `room` is for what will be added. Shares no memory
    /// with what was received.
    #[must_use]
    pub fn begin_ack(&self, room: usize) -> BegunAck {
        let pieces = [self.numbers, self.headers, self.before_payload, self.after_payload];
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(length + room);
        for piece in pieces {
            bytes.extend_from_slice(piece);
        }
        let after_payload = length - self.after_payload.len();
        BegunAck { bytes, before_payload: after_payload - self.before_payload.len(), after_payload }
    }
}

/// The bytes of `whole` in front of its end `rest`.
fn up_to<'a>(whole: &'a [u8], rest: &[u8]) -> &'a [u8] {
    &whole[..whole.len() - rest.len()]
}

/// Key and value of a header.
fn parts(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut walk = Walk(header);
    let parts = (walk.text_if(tag::KEY)??, walk.text_if(tag::VALUE)??);
    walk.0.is_empty().then_some(parts)
}

/// A frame that lacks one more header and its payload.
#[derive(Debug)]
pub struct BegunAck {
    bytes: Vec<u8>,
    /// Where the fields behind the headers begin.
    before_payload: usize,
    /// Where the fields behind the payload begin.
    after_payload: usize,
}

impl BegunAck {
    /// The whole frame, with this header behind all others.
    #[must_use]
    pub fn finish(self, key: &[u8], value: &[u8], payload: &[u8]) -> Vec<u8> {
        let Self { bytes: mut ack, before_payload, after_payload } = self;
        // Nearly always empty, and then nothing is allocated for it.
        let behind = ack.split_off(before_payload);
        let (before, after) = behind.split_at(after_payload - before_payload);
        ack.push(tag::HEADER);
        put_number(&mut ack, text_length(key) + text_length(value));
        put_text(&mut ack, tag::KEY, key);
        put_text(&mut ack, tag::VALUE, value);
        ack.extend_from_slice(before);
        put_text(&mut ack, tag::PAYLOAD, payload);
        ack.extend_from_slice(after);
        ack
    }
}

/// How long a field of these bytes is.
fn text_length(text: &[u8]) -> usize {
    let length_digits = text.len().checked_ilog2().unwrap_or(0) / 7 + 1;
    1 + length_digits as usize + text.len()
}

fn put_text(out: &mut Vec<u8>, tag: u8, text: &[u8]) {
    out.push(tag);
    put_number(out, text.len());
    out.extend_from_slice(text);
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// What is left to be read. Each step takes something off its front; `None` means that the frame is not canonical.
struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    fn has(&mut self, tag: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == tag => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn number(&mut self, tag: u8) -> Option<u64> {
        if self.has(tag) { self.varint() } else { None }
    }

    /// Of 32 bits; a negative one is written with all of 64.
    fn small_number(&mut self, tag: u8) -> Option<i32> {
        i32::try_from(self.number(tag)?.cast_signed()).ok()
    }

    /// A field of bytes that may be left out.
    #[expect(clippy::option_option, reason = "the outer one says whether the frame is canonical so far")]
    fn text_if(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if !self.has(tag) {
            return Some(None);
        }
        let length = usize::try_from(self.varint()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(text))
    }

    fn varint(&mut self) -> Option<u64> {
        // Nearly every length is one digit.
        if let [digit @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*digit));
        }
        let mut value = 0;
        for (place, byte) in self.0.iter().enumerate().take(MAX_VARINT_BYTES) {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.0 = &self.0[place + 1..];
                let is_shortest = *byte != 0 || place == 0;
                let fits = place + 1 < MAX_VARINT_BYTES || *byte == 1;
                return (is_shortest && fits).then_some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
