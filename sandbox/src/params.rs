//! The parameters of a request body, form or JSON, whatever its content type claims.
//!
//! The real token endpoint takes both, and an official SDK sends JSON without saying so.

use std::collections::BTreeMap;

use serde_json::Value;

/// String parameters by name.
#[derive(Clone, Debug, Default)]
pub struct Params {
    values: BTreeMap<String, String>,
    /// A parameter that came twice or is no string.
    pub malformed: Option<String>,
}

impl Params {
    /// Reads a body. One that is neither form nor JSON gives no parameters and says so in `malformed`.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        if text.trim_start().starts_with('{') { Self::from_json(&text) } else { Self::from_form(text.trim()) }
    }

    /// Reads a query string or form.
    #[must_use]
    pub fn from_form(text: &str) -> Self {
        let mut params = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if params.values.insert(name.to_string(), value.into_owned()).is_some() {
                params.malformed = Some(name.into_owned());
            }
        }
        params
    }

    fn from_json(text: &str) -> Self {
        let mut params = Self::default();
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            params.malformed = Some("the body".to_owned());
            return params;
        };
        for (name, value) in fields {
            match value {
                Value::String(text) => {
                    params.values.insert(name, text);
                }
                Value::Null => {}
                _ => params.malformed = Some(name),
            }
        }
        params
    }

    /// A parameter that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_and_json_say_the_same() {
        for body in ["a=1&b=x+y", r#"{"a":"1","b":"x y","c":null}"#] {
            let params = Params::read(body.as_bytes());
            assert_eq!((params.get("a"), params.get("b"), params.get("c")), (Some("1"), Some("x y"), None));
            assert!(params.malformed.is_none());
        }
    }

    #[test]
    fn doubled_and_typed_parameters_are_malformed() {
        assert_eq!(Params::read(b"a=1&a=2").malformed.as_deref(), Some("a"));
        assert_eq!(Params::read(br#"{"a":1}"#).malformed.as_deref(), Some("a"));
        assert!(Params::read(b"{nonsense").malformed.is_some());
    }
}
