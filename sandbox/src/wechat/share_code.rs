//! `POST /wxa/getwxacodeunlimit`: a picture that leads to a page of the mini-program. Success is an image, failure JSON.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::refusal::Refusal;
use super::{WeChat, app_token};
use crate::limits::{MINUTE_MS, Window};
use crate::params::Params;
use crate::random::{Print, mix};

/// The pages that the mini-program has.
const PAGES: [&str; 2] = ["pages/index/index", "pages/login/login"];

/// How many calls pass in a minute.
const CALLS_A_MINUTE: usize = 5000;

/// The longest scene.
const SCENE: usize = 32;

/// How bright a block is; grey is in the middle.
const GREY: i32 = 0;
const WHITE: i32 = 127;

/// Blocks of the picture in a row.
const SIDE: u8 = 27;

/// The handler.
pub async fn unlimited(
    State(wechat): State<Arc<WeChat>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Refusal> {
    let query = Params::from_form(query.as_deref().unwrap_or_default());
    let app_id = app_token::app_of(&wechat, query.get("access_token"))?;
    let window = Window { key: format!("share {app_id}"), most: CALLS_A_MINUTE, length_ms: MINUTE_MS };
    let counted = wechat.limits.count(&[window], wechat.clock.now_ms());
    counted.map_err(|_| Refusal::new(45_009, "reach max api daily quota limit"))?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let scene = check(&body)?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture(&format!("{app_id} {scene}"))).into_response())
}

fn check(body: &Value) -> Result<&str, Refusal> {
    let scene = body["scene"].as_str().ok_or_else(|| Refusal::new(40_097, "invalid args"))?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&byte);
    if scene.is_empty() || !scene.bytes().all(allowed) {
        return Err(Refusal::new(40_129, "invalid scene"));
    }
    if scene.len() > SCENE {
        return Err(Refusal::new(40_169, "invalid length for scene, or the data is not json string"));
    }
    let page = body["page"].as_str().unwrap_or(PAGES[0]);
    let known = PAGES.contains(&page) || body["check_path"] == Value::Bool(false);
    if !known || page.starts_with('/') || page.contains('?') {
        return Err(Refusal::new(41_030, "invalid page"));
    }
    match body["width"].as_i64() {
        Some(280..=1280) => Ok(scene),
        None if body["width"].is_null() => Ok(scene),
        _ => Err(Refusal::new(40_189, "invalid width")),
    }
}

/// A picture of grey and white squares that depend on `text`: a JPEG whose blocks are of one colour each, so that a block is its
/// difference in brightness to the one before and the word that nothing follows.
fn picture(text: &str) -> Vec<u8> {
    let side = u16::from(SIDE) * 8;
    let [high, low] = side.to_be_bytes();
    let mut file = vec![0xff, 0xd8];
    // Every coefficient counts eight: a block's mean times eight, divided by it, is its brightness.
    segment(&mut file, 0xdb, &[&[0], [8; 64].as_slice()].concat());
    segment(&mut file, 0xc0, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    // Brightness: `0` says no difference, `10` a difference of seven bits. The rest of a block: `0` says none.
    segment(&mut file, 0xc4, &[&[0x00, 1, 1], [0; 14].as_slice(), &[0, 7]].concat());
    segment(&mut file, 0xc4, &[&[0x10, 1], [0; 15].as_slice(), &[0]].concat());
    segment(&mut file, 0xda, &[1, 1, 0x00, 0, 63, 0]);
    file.extend(packed(&bits(Print::of(text))));
    file.extend([0xff, 0xd9]);
    file
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(content);
}

/// The blocks as bits. What is before the first block counts as grey.
fn bits(print: Print) -> Vec<bool> {
    let mut bits = Vec::new();
    let mut before = GREY;
    for block in 0..u64::from(SIDE) * u64::from(SIDE) {
        let white = mix(print.number() ^ block.wrapping_mul(crate::random::STEP)) & 1 == 0;
        let now = if white { WHITE } else { GREY };
        let difference = now - before;
        before = now;
        match difference {
            0 => bits.push(false),
            _ => bits.extend([true, false].into_iter().chain(in_seven_bits(difference))),
        }
        bits.push(false);
    }
    bits
}

/// A difference as JPEG writes it; one below zero with all bits turned.
fn in_seven_bits(difference: i32) -> impl Iterator<Item = bool> {
    let value = if difference < 0 { difference + 127 } else { difference };
    (0..7).rev().map(move |bit| value >> bit & 1 == 1)
}

/// Eight bits to a byte, filled up with ones; `ff` is followed by a zero, since it would begin a marker.
fn packed(bits: &[bool]) -> Vec<u8> {
    let byte = |eight: &[bool]| (0..8).fold(0_u8, |byte, at| byte << 1 | u8::from(*eight.get(at).unwrap_or(&true)));
    bits.chunks(8).map(byte).flat_map(|byte| if byte == 0xff { vec![byte, 0] } else { vec![byte] }).collect()
}
