//! `getPhoneNumber`: a code of the phone-number button becomes the number. It is another code than the one of a login.

use serde_json::{Map, Value, json};

use super::api::Api;
use crate::domain::identity::PhoneNumber;
use crate::domain::ids::{AppId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::effect::Effect;
use crate::platform::{LoginError, PlatformError};

/// The longest number, in characters.
const MAX_NUMBER: usize = 32;

/// Spends the code, if it is this person's.
pub(super) async fn phone_number(api: &Api, code: &Secret, subject: &SubjectId) -> Result<PhoneNumber, LoginError> {
    let body = json!({"code": code.expose(), "openid": subject.as_str()});
    let request = |url| api.http.post(url).json(&body);
    let object = api.ask_as_app("/wxa/business/getuserphonenumber", request, Effect::Acts).await?;
    let read = object.get("phone_info").and_then(Value::as_object).and_then(|info| read(info, &api.config.app_id));
    Ok(read.ok_or(PlatformError::Unclear)?)
}

fn read(info: &Map<String, Value>, app: &AppId) -> Option<PhoneNumber> {
    if info.get("watermark")?.get("appid")? != app.as_str() {
        return None;
    }
    let number = |name: &str| number(info.get(name)?.as_str()?);
    Some(PhoneNumber {
        number: Secret::new(number("phoneNumber")?),
        national: Secret::new(number("purePhoneNumber")?),
        country_code: country_code(info.get("countryCode")?)?,
    })
}

fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let fits = (1..=MAX_NUMBER).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.to_owned())
}

/// A text by the platform's table, a number in its example.
fn country_code(value: &Value) -> Option<String> {
    let text = value.as_u64().map(|number| number.to_string()).or_else(|| value.as_str().map(str::to_owned))?;
    number(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_comes_as_a_number_or_as_text_and_the_app_is_ours() {
        let app = AppId::parse("wx1").unwrap();
        for (country, appid, expected) in [
            (json!(86), "wx1", Some("86")),
            (json!("86"), "wx1", Some("86")),
            (json!("8<b>"), "wx1", None),
            (json!(null), "wx1", None),
            (json!(86), "wx2", None),
        ] {
            let info = json!({"phoneNumber": "+8613800000000", "purePhoneNumber": "13800000000",
                "countryCode": country, "watermark": {"timestamp": 1, "appid": appid}});
            let read = read(info.as_object().unwrap(), &app);
            assert_eq!(read.map(|phone| phone.country_code).as_deref(), expected, "{country} {appid}");
        }
    }
}
