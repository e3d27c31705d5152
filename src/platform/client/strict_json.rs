//! JSON as a token endpoint has to write it: one object, UTF-8, no byte order mark, nothing after it, and no key twice
//! in any object of it. Two readers who each take another one of two equal keys disagree about whose token it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The text is not one JSON object without repeated keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object without repeated keys")]
pub struct NotStrict;

/// Reads the text as one object.
pub fn strict_object(text: &[u8]) -> Result<Map<String, Value>, NotStrict> {
    match serde_json::from_slice(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        _ => Err(NotStrict),
    }
}

/// A JSON value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_object() {
        let object = strict_object(br#" {"a":[1,-2,3.5,null,true,"x"],"b":{"a":1}} "#).unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"a":[1,-2,3.5,null,true,"x"],"b":{"a":1}}));
    }

    #[test]
    fn refuses_everything_else() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
        for text in [
            &b""[..],
            b"[]",
            b"1",
            b"\"x\"",
            b"<html>",
            b"\xef\xbb\xbf{}",
            b"{} {}",
            b"{}garbage",
            br#"{"a":1,"a":2}"#,
            br#"{"data":{"open_id":"a","open_id":"b"}}"#,
            br#"{"a":"\ud800"}"#,
            b"{\"a\":\"\xff\"}",
            br#"{"a":NaN}"#,
            br#"{"a":1e999}"#,
            br#"{"a":1,}"#,
            deep.as_bytes(),
        ] {
            assert_eq!(strict_object(text), Err(NotStrict), "{:?}", String::from_utf8_lossy(text));
        }
    }
}
