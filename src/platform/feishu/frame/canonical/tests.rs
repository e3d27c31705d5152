//! The walk against the decoder that the schema generates: both must see the same frame and make the same ack.

use super::*;
use crate::platform::feishu::frame::Header;

/// Lengths around those at which a length takes one digit more, and common ones.
const LENGTHS: [usize; 10] = [0, 1, 2, 7, 36, 127, 128, 129, 16_383, 16_384];
const ANSWER: &[u8] = br#"{"code":200}"#;

/// `SplitMix64`: the same frames in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }

    /// Of any magnitude.
    fn number(&mut self) -> u64 {
        let shift = self.below(65);
        self.roll().checked_shr(u32::try_from(shift).unwrap()).unwrap_or(0)
    }

    fn small_number(&mut self) -> i32 {
        let [a, b, c, d, ..] = self.number().to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    fn text(&mut self, lengths: usize) -> Bytes {
        let length = LENGTHS[self.below(lengths)];
        (0..length).map(|_| self.byte()).collect()
    }

    fn maybe_text(&mut self) -> Option<Bytes> {
        (self.below(2) == 0).then(|| self.text(LENGTHS.len()))
    }

    fn frame(&mut self) -> Frame {
        let headers = self.below(9);
        Frame {
            seq_id: self.number(),
            log_id: self.number(),
            service: self.small_number(),
            method: self.small_number(),
            headers: (0..headers).map(|_| Header { key: self.text(8), value: self.text(8) }).collect(),
            payload_encoding: self.maybe_text(),
            payload_type: self.maybe_text(),
            payload: self.maybe_text(),
            log_id_new: self.maybe_text(),
        }
    }
}

/// The ack as the schema's encoder makes it.
fn expected_ack(bytes: &[u8], value: &'static str) -> Option<Vec<u8>> {
    let mut frame = Frame::decode(bytes).ok()?;
    frame.headers.push(Header::new("biz_rt", value));
    frame.payload = Some(Bytes::from_static(ANSWER));
    Some(frame.encode_to_vec())
}

fn ack(frame: &Canonical<'_>, value: &str) -> Vec<u8> {
    frame.begin_ack(0).finish(b"biz_rt", value.as_bytes(), ANSWER)
}

/// The way that every received message takes.
fn ack_of_any(bytes: &[u8], value: &str) -> Option<Vec<u8>> {
    if let Some(frame) = Canonical::read(bytes) {
        return Some(ack(&frame, value));
    }
    let canonical = canonical_form(Bytes::copy_from_slice(bytes)).ok()?;
    Some(ack(&Canonical::read(&canonical).expect("what the encoder writes is canonical"), value))
}

/// Canonical is what the encoder would write, no more and no less.
fn check(bytes: &[u8]) -> bool {
    let written = canonical_form(Bytes::copy_from_slice(bytes)).ok();
    let is_canonical = Canonical::read(bytes).is_some();
    assert_eq!(is_canonical, written.as_deref() == Some(bytes), "{}", hex::encode(bytes));
    for value in ["0", "4294967295"] {
        assert_eq!(ack_of_any(bytes, value), expected_ack(bytes, value), "{}", hex::encode(bytes));
    }
    is_canonical
}

#[test]
fn reads_what_the_schema_reads() {
    let mut dice = Dice(1);
    for _ in 0..500 {
        let frame = dice.frame();
        let bytes = frame.encode_to_vec();
        let canonical = Canonical::read(&bytes).unwrap();
        assert_eq!(canonical.method, frame.method);
        assert_eq!(canonical.payload, frame.payload.as_deref().unwrap_or_default());
        let headers: Vec<_> = frame.headers.iter().map(|header| (&*header.key, &*header.value)).collect();
        assert_eq!(canonical.headers().collect::<Vec<_>>(), headers);
        assert!(check(&bytes));
    }
}

#[test]
fn agrees_about_damaged_frames() {
    let mut dice = Dice(2);
    let (mut canonical, mut odd) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = Frame { payload: Some(dice.text(4)), ..dice.frame() }.encode_to_vec();
        bytes.truncate(300);
        for _ in 0..=dice.below(2) {
            let place = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[place] = dice.byte(),
                1 => bytes[place] ^= 1 << dice.below(8),
                2 => bytes.insert(place, dice.byte()),
                _ => drop(bytes.remove(place)),
            }
        }
        if check(&bytes) {
            canonical += 1;
        } else if Frame::decode(&*bytes).is_ok() {
            odd += 1;
        }
    }
    assert!(canonical > 1_000 && odd > 100, "{canonical} canonical, {odd} only readable: the damage proves little");
}

/// A readable frame in pieces, each a whole field; put together in order they are canonical.
const FIELDS: [&[u8]; 10] = [
    b"\x08\x01",
    b"\x10\xac\x02",
    b"\x18\x03",
    b"\x20\x01",
    b"\x2a\x06\x0a\x01k\x12\x01v",
    b"\x2a\x04\x0a\0\x12\0",
    b"\x32\x01e",
    b"\x3a\x01t",
    b"\x42\x02{}",
    b"\x4a\x01n",
];

#[test]
fn a_field_out_of_its_place_is_not_canonical() {
    assert!(check(&FIELDS.concat()));
    for (one, field) in FIELDS.into_iter().enumerate() {
        let mut without = FIELDS.to_vec();
        without.remove(one);
        assert_eq!(check(&without.concat()), one > 3, "field {one} left out");
        let mut twice = FIELDS.to_vec();
        twice.insert(one, field);
        assert_eq!(check(&twice.concat()), one == 4 || one == 5, "field {one} doubled");
        for other in one + 1..FIELDS.len() {
            let mut swapped = FIELDS.to_vec();
            swapped.swap(one, other);
            assert_eq!(check(&swapped.concat()), (one, other) == (4, 5), "fields {one} and {other} swapped");
        }
    }
}

#[test]
fn every_odd_form_of_a_field_is_read_by_the_decoder() {
    let odd: [(&str, usize, &[u8]); 17] = [
        ("a number with a digit too many", 0, b"\x08\x81\x00"),
        ("a number of ten digits, the last empty", 0, b"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
        ("a tag with a digit too many", 0, b"\x88\x00\x01"),
        ("a negative number cut at 32 bits", 2, b"\x18\xff\xff\xff\xff\x0f"),
        ("a number over 32 bits", 3, b"\x20\x81\x80\x80\x80\x10"),
        ("a header with an unknown field", 4, b"\x2a\x08\x0a\x01k\x12\x01v\x18\x01"),
        ("a header with its value first", 4, b"\x2a\x06\x12\x01v\x0a\x01k"),
        ("a header with two values", 4, b"\x2a\x09\x0a\x01k\x12\x01w\x12\x01v"),
        ("a header without value", 4, b"\x2a\x03\x0a\x01k"),
        ("a header without key", 4, b"\x2a\x03\x12\x01v"),
        ("an empty header", 4, b"\x2a\x00"),
        ("a header with a long length", 4, b"\x2a\x86\x00\x0a\x01k\x12\x01v"),
        ("a key with a long length", 4, b"\x2a\x07\x0a\x81\x00k\x12\x01v"),
        ("a payload with a long length", 8, b"\x42\x82\x80\x00{}"),
        ("two payloads", 8, b"\x42\x01x\x42\x02{}"),
        ("an unknown field at the end", 9, b"\x4a\x01n\x50\x01"),
        ("an unknown group", 9, b"\x4a\x01n\x53\x54"),
    ];
    for (name, place, field) in odd {
        let mut fields = FIELDS.to_vec();
        fields[place] = field;
        assert!(Frame::decode(&*fields.concat()).is_ok(), "{name}");
        assert!(!check(&fields.concat()), "{name}");
    }
}

#[test]
fn numbers_at_their_limits() {
    for (number, canonical) in [
        (&b"\x7f"[..], true),
        (b"\x80\x01", true),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", true),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", false),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", false),
        (b"\x80", false),
    ] {
        let mut fields = FIELDS.to_vec();
        let field = [b"\x10", number].concat();
        fields[1] = &field;
        assert_eq!(check(&fields.concat()), canonical, "{}", hex::encode(number));
    }
}
