//! What is done with a session key, by the platform's published examples and by data that are wrong in one thing each.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{open_data, proof};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::{NotGenuine, Sealed, Signed};

const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const IV: [u8; 16] = *b"0123456789abcdef";
const NOW: i64 = 1_700_000_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/wechat/vectors.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Opens for the app `wx1` and the person `o1` at [`NOW`].
fn open(data: &str, iv: &str, key: &str) -> Result<Map<String, Value>, NotGenuine> {
    let of = (&AppId::parse("wx1").unwrap(), &SubjectId::parse("o1").unwrap());
    open_data::open(&Sealed { data, iv }, &secret(key), of, Timestamp::from_secs(NOW))
}

/// Encrypts whole blocks.
fn encrypted(mut blocks: Vec<u8>) -> String {
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(KEY).unwrap()).unwrap();
    let context = EncryptionContext::Iv128(FixedLength::from(IV));
    EncryptingKey::cbc(key).unwrap().less_safe_encrypt(&mut blocks, context).unwrap();
    STANDARD.encode(blocks)
}

/// Fills up with `count` bytes of `byte`; the text is made longer until that gives whole blocks.
fn filled(object: &Value, count: usize, byte: u8) -> Vec<u8> {
    let mut text = object.to_string().into_bytes();
    while !(text.len() + count).is_multiple_of(16) {
        text.insert(1, b' ');
    }
    text.extend(std::iter::repeat_n(byte, count));
    text
}

fn right() -> Value {
    json!({"openId": "o1", "nickName": "陈", "watermark": {"timestamp": NOW, "appid": "wx1"}})
}

#[test]
fn the_published_examples_open_and_verify() {
    let vectors = vectors();
    let vector = &vectors["userinfo"];
    let mut expected: Map<String, Value> = serde_json::from_str(text(vector, "plaintext")).unwrap();
    let at = expected.remove("watermark").unwrap()["timestamp"].as_i64().unwrap();
    let app = AppId::parse(text(vector, "appId")).unwrap();
    let subject = SubjectId::parse(expected["openId"].as_str().unwrap()).unwrap();
    let sealed = Sealed { data: text(vector, "encryptedData"), iv: text(vector, "iv") };
    let opened =
        open_data::open(&sealed, &secret(text(vector, "sessionKey")), (&app, &subject), Timestamp::from_secs(at));
    assert_eq!(opened, Ok(expected));

    let vector = &vectors["rawdata_signature"];
    let signed = Signed { text: text(vector, "rawData"), signature: text(vector, "signature") };
    assert_eq!(proof::read(&signed, &secret(text(vector, "sessionKey"))).unwrap()["nickName"], "Band");

    let vector = &vectors["session_hmac"];
    let key = secret(text(vector, "session_key"));
    assert_eq!(proof::of_session(&key, text(vector, "body").as_bytes()), text(vector, "signature"));
    assert_eq!(proof::of_session(&key, b""), text(vector, "empty_body_signature"));
}

#[test]
fn every_right_padding_is_taken_and_no_other() {
    let iv = STANDARD.encode(IV);
    for count in 1..=16_u8 {
        let opened = open(&encrypted(filled(&right(), count.into(), count)), &iv, KEY).unwrap();
        assert_eq!(opened["nickName"], "陈", "{count}");
    }
    for (count, byte) in [(1, 0), (1, 17), (1, 255), (4, 5), (17, 17), (32, 32)] {
        assert_eq!(open(&encrypted(filled(&right(), count, byte)), &iv, KEY), Err(NotGenuine), "{count} {byte}");
    }
    let mut broken = filled(&right(), 8, 8);
    let inside = broken.len() - 8;
    broken[inside] = 7;
    assert_eq!(open(&encrypted(broken), &iv, KEY), Err(NotGenuine), "all of the padding counts, not its last byte");
}

#[test]
fn what_is_wrong_in_one_thing_is_not_genuine() {
    let iv = STANDARD.encode(IV);
    let seal = |object: &Value| encrypted(filled(object, 8, 8));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = right();
        change(&mut object);
        seal(&object)
    };
    let good = seal(&right());
    assert!(open(&good, &iv, KEY).is_ok());
    assert!(open(&with(&|object| object["openId"] = Value::Null), &iv, KEY).is_err(), "a person who is nobody");
    let without_person = json!({"phoneNumber": "1", "watermark": {"timestamp": NOW, "appid": "wx1"}});
    assert!(open(&seal(&without_person), &iv, KEY).is_ok(), "not all data name the person");
    for (row, data) in [
        ("another app", with(&|object| object["watermark"]["appid"] = json!("wx2"))),
        ("no app", with(&|object| object["watermark"]["appid"] = Value::Null)),
        ("no watermark", with(&|object| object["watermark"] = Value::Null)),
        ("an old one", with(&|object| object["watermark"]["timestamp"] = json!(NOW - 301))),
        ("one of the time to come", with(&|object| object["watermark"]["timestamp"] = json!(NOW + 61))),
        ("a time as text", with(&|object| object["watermark"]["timestamp"] = json!(NOW.to_string()))),
        ("another person", with(&|object| object["openId"] = json!("o2"))),
        ("no object", seal(&json!([right()]))),
        ("a key twice", encrypted([&br#"{"a":1,"a":2}"#[..], &[3; 3]].concat())),
        ("cut by a block", STANDARD.encode(&STANDARD.decode(&good).unwrap()[16..])),
        ("cut at the end", STANDARD.encode(&STANDARD.decode(&good).unwrap()[..32])),
        ("no whole blocks", STANDARD.encode(&STANDARD.decode(&good).unwrap()[1..])),
        ("nothing", String::new()),
        ("no base64", "%%%".to_owned()),
    ] {
        assert_eq!(open(&data, &iv, KEY), Err(NotGenuine), "{row}");
    }
    for edge in [NOW - 300, NOW + 60] {
        assert!(open(&with(&|object| object["watermark"]["timestamp"] = json!(edge)), &iv, KEY).is_ok(), "{edge}");
    }
    let another_key = STANDARD.encode([7; 16]);
    for (row, iv, key) in [
        ("another key", iv.as_str(), another_key.as_str()),
        ("a short key", iv.as_str(), "AAAA"),
        ("no key", iv.as_str(), ""),
        ("a short iv", "AAAA", KEY),
        ("no iv", "", KEY),
    ] {
        assert_eq!(open(&good, iv, key), Err(NotGenuine), "{row}");
    }
}

#[test]
fn a_signature_is_of_these_bytes_and_this_key() {
    let vectors = vectors();
    let vector = &vectors["rawdata_signature"];
    let (raw, signature, key) = (text(vector, "rawData"), text(vector, "signature"), text(vector, "sessionKey"));
    let reserialised = serde_json::from_str::<Value>(raw).unwrap().to_string();
    let other_case = signature.to_ascii_uppercase();
    for (row, text, signature, key) in [
        ("written anew", reserialised.as_str(), signature, key),
        ("another text", "{}", signature, key),
        ("another signature", raw, other_case.as_str(), key),
        ("none", raw, "", key),
        ("cut", raw, &signature[..39], key),
        ("another key", raw, signature, KEY),
    ] {
        assert!(proof::read(&Signed { text, signature }, &secret(key)).is_err(), "{row}");
    }
}
