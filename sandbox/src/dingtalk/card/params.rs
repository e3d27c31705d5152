//! `cardData` and `privateData`: variables, all of them strings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::dingtalk::refusal::Refusal;

/// The most bytes of a variable's name.
const NAME_LIMIT: usize = 100;
/// The most bytes of its value.
const VALUE_LIMIT: usize = 1024;

/// Variables by name.
pub(super) type Params = BTreeMap<String, String>;

/// Reads `{cardParamMap: {…}}`; the error says what is wrong with it.
pub(super) fn read(data: &Value) -> Result<Params, String> {
    let map = data["cardParamMap"].as_object().ok_or("cardParamMap is not an object")?;
    let mut params = Params::new();
    for (name, value) in map {
        let text = value.as_str().ok_or_else(|| format!("cardParamMap.{name} is not a string"))?;
        if name.len() > NAME_LIMIT || text.len() > VALUE_LIMIT {
            return Err(format!("cardParamMap.{name} is too long"));
        }
        params.insert(name.clone(), text.to_owned());
    }
    Ok(params)
}

/// The same, refused as the interfaces refuse it.
pub(super) fn required(data: &Value) -> Result<Params, Refusal> {
    if !data["cardParamMap"].is_object() {
        return Err(Refusal::bad("param.cardPublicDataEmpty", "cardData.cardParamMap is empty"));
    }
    read(data).map_err(|what| Refusal::bad("param.invalid", &what))
}

/// Puts new variables over the old ones, or in their place.
pub(super) fn change(old: &mut Params, new: Params, by_key: bool) {
    if by_key {
        old.extend(new);
    } else {
        *old = new;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_strings_of_a_kilobyte() {
        let of = |value: Value| read(&json!({"cardParamMap": {"a": value}}));
        assert_eq!(of(json!("1")).unwrap()["a"], "1");
        assert!(of(json!(1)).is_err() && of(json!(true)).is_err() && of(json!({})).is_err());
        assert!(of(json!("x".repeat(1024))).is_ok() && of(json!("x".repeat(1025))).is_err());
        assert!(read(&json!({"cardParamMap": {"n".repeat(101): ""}})).is_err());
    }

    #[test]
    fn by_key_or_as_a_whole() {
        let params = |names: &str| names.split(' ').map(|name| (name.to_owned(), String::new())).collect::<Params>();
        let (mut merged, mut replaced) = (params("a b"), params("a b"));
        change(&mut merged, params("c"), true);
        change(&mut replaced, params("c"), false);
        assert_eq!((merged, replaced), (params("a b c"), params("c")));
    }
}
