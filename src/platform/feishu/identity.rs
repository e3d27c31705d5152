//! Whose token it is. The token endpoint does not say, so this call is the only proof of the person.

use serde_json::{Map, Value};

use super::api::Api;
use crate::domain::ids::{SubjectId, TenantKey};
use crate::domain::secret::Secret;
use crate::domain::token::Identity;
use crate::platform::answer_fields::{contact, name, text};
use crate::platform::effect::Effect;
use crate::platform::{PlatformCode, PlatformError};

/// What an answer that names nobody is called: a refusal without a code.
const NOBODY: PlatformError = PlatformError::Rejected { code: PlatformCode::NONE };

/// Asks whose token it is.
pub(super) async fn identity(api: &Api, access: &Secret) -> Result<Identity, PlatformError> {
    let url = api.open(&["open-apis", "authen", "v1", "user_info"]);
    let request = api.http.get(url).bearer_auth(access.expose());
    let object = api.ask(request, Effect::Harmless).await.map_err(|failure| failure.error)?;
    let data = object.get("data").and_then(Value::as_object).ok_or(NOBODY)?;
    person(data).ok_or(NOBODY)
}

fn person(data: &Map<String, Value>) -> Option<Identity> {
    let subject = SubjectId::parse(text(data, "open_id")?).ok()?;
    let tenant = match text(data, "tenant_key") {
        None => None,
        Some(key) => Some(TenantKey::parse(key).ok()?),
    };
    Some(Identity {
        subject,
        tenant,
        name: name(data, "name"),
        mobile: contact(data, "mobile"),
        email: contact(data, "email").or_else(|| contact(data, "enterprise_email")),
    })
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
            "open_id": "ou_1", "tenant_key": "t1", "name": " Alice\n", "mobile": "+861", "email": "",
            "enterprise_email": "a@b"
        }))
        .unwrap();
        assert_eq!(person.subject.as_str(), "ou_1");
        assert_eq!(person.tenant.unwrap().as_str(), "t1");
        assert_eq!(person.name.as_deref(), Some("Alice"));
        assert!(person.mobile.unwrap().matches("+861"));
        assert!(person.email.unwrap().matches("a@b"));
    }

    #[test]
    fn a12_nobody_is_not_somebody() {
        for data in [
            json!({}),
            json!({"open_id": ""}),
            json!({"open_id": null}),
            json!({"open_id": 7}),
            json!({"open_id": ["ou_1"]}),
            json!({"open_id": "ou 1"}),
            json!({"open_id": "x".repeat(200)}),
            json!({"union_id": "on_1"}),
            json!({"open_id": "ou_1", "tenant_key": "a b"}),
        ] {
            assert!(read(&data).is_none(), "{data}");
        }
        assert!(read(&json!({"open_id": "ou_1", "tenant_key": ""})).unwrap().tenant.is_none());
    }
}
