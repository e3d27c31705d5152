//! Whose token it is. The token endpoint does not say, so this call is the only proof of the person. They are known by their
//! unionId, which is the same for all apps of one maker and which a tap on a card names as well; the openId beside it has to be
//! there, since who has none is nobody to this app.

use serde_json::{Map, Value};

use super::api::Api;
use super::errors::Spends;
use crate::domain::ids::SubjectId;
use crate::domain::secret::Secret;
use crate::domain::token::Identity;
use crate::platform::answer_fields::{contact, name, text};
use crate::platform::effect::Effect;
use crate::platform::{PlatformCode, PlatformError};

/// What an answer that names nobody is called: a refusal without a code.
const NOBODY: PlatformError = PlatformError::Rejected { code: PlatformCode::NONE };

/// Asks whose token it is.
pub(super) async fn identity(api: &Api, access: &Secret) -> Result<Identity, PlatformError> {
    let request = api.http.get(api.address(&["v1.0", "contact", "users", "me"]));
    let asked = api.ask(request, (access.expose(), Spends::UserToken), Effect::Harmless).await;
    let object = asked.map_err(|failure| failure.error)?;
    person(&object).ok_or(NOBODY)
}

fn person(object: &Map<String, Value>) -> Option<Identity> {
    text(object, "openId")?;
    Some(Identity {
        subject: SubjectId::parse(text(object, "unionId")?).ok()?,
        tenant: None,
        name: name(object, "nick"),
        mobile: mobile(object),
        email: contact(object, "email"),
    })
}

/// With the country's prefix, where it is said.
fn mobile(object: &Map<String, Value>) -> Option<Secret> {
    let number = contact(object, "mobile")?;
    let state = text(object, "stateCode").map(|code| code.trim_start_matches('+'));
    match state.filter(|code| (1..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(state) if !number.expose().starts_with('+') => Some(Secret::new(format!("+{state}{}", number.expose()))),
        _ => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(data: &Value) -> Option<Identity> {
        person(data.as_object().unwrap())
    }

    #[test]
    fn a_person_is_read_whole() {
        let person = read(&json!({
            "nick": " Alice\n", "openId": "o1", "unionId": "u1", "mobile": "138", "stateCode": "86", "email": "a@b",
            "avatarUrl": "https://x"
        }))
        .unwrap();
        assert_eq!((person.subject.as_str(), person.name.as_deref()), ("u1", Some("Alice")));
        assert!(person.mobile.unwrap().matches("+86138") && person.email.unwrap().matches("a@b"));
        assert!(person.tenant.is_none());
    }

    #[test]
    fn a_number_is_left_as_it_is_where_the_country_is_not_said() {
        for (state, number, expected) in [
            (json!(null), "138", "138"),
            (json!("x"), "138", "138"),
            (json!("86"), "+1138", "+1138"),
            (json!("+49"), "1", "+491"),
        ] {
            let person = read(&json!({"openId": "o", "unionId": "u", "mobile": number, "stateCode": state})).unwrap();
            assert!(person.mobile.unwrap().matches(expected), "{state} {number}");
        }
    }

    #[test]
    fn nobody_is_not_somebody() {
        for data in [
            json!({}),
            json!({"openId": "o1"}),
            json!({"unionId": "u1"}),
            json!({"openId": "o1", "unionId": ""}),
            json!({"openId": "", "unionId": "u1"}),
            json!({"openId": "o1", "unionId": 7}),
            json!({"openId": "o1", "unionId": ["u1"]}),
            json!({"openId": "o1", "unionId": "u 1"}),
            json!({"openId": "o1", "unionId": "x".repeat(200)}),
        ] {
            assert!(read(&data).is_none(), "{data}");
        }
    }
}
