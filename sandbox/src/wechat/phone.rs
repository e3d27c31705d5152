//! What the WeChat client in the person's phone gives a mini-program: codes, and open data that it encrypts and signs.

use serde_json::{Value, json};

use super::WeChat;
use super::crypt::{self, Encrypted};
use super::state::Kind;
use crate::world::people::{Person, PersonId};

/// What is wrong with open data, on purpose. What is left out is right.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// The watermark names this app.
    pub watermark_appid: Option<String>,
    /// The watermark is so much older than now (negative: from the time to come).
    #[serde(default)]
    pub age_s: i64,
    /// The data names this person.
    pub open_id: Option<String>,
    /// There is no watermark.
    #[serde(default)]
    pub no_watermark: bool,
    /// The last bytes do not say how many they are.
    #[serde(default)]
    pub bad_padding: bool,
    /// This text is encrypted in the data's place.
    pub text: Option<String>,
}

/// The person's name for one developer's apps.
#[must_use]
pub fn union_id(person: &Person) -> String {
    format!("o{}", &person.union_id.trim_start_matches("on_")[..27])
}

/// `wx.login`: a code.
pub fn login(wechat: &WeChat, app_id: &str, person: PersonId) -> String {
    wechat.state().issue_code(Kind::Login, app_id, person, wechat.clock.now_ms())
}

/// The phone-number button: a code of its own.
pub fn phone_number(wechat: &WeChat, app_id: &str, person: PersonId) -> String {
    wechat.state().issue_code(Kind::PhoneNumber, app_id, person, wechat.clock.now_ms())
}

/// `wx.getUserInfo`: what the mini-program may read, its signature, and the same with the person's ids, encrypted. `None` while the
/// person has no session at the app.
#[must_use]
pub fn user_info(wechat: &WeChat, app_id: &str, id: PersonId, wrong: &Wrong) -> Option<Value> {
    let person = wechat.world.lock().people.get(id).clone();
    let key = wechat.state().session_key(app_id, id)?.to_owned();
    let raw = json!({
        "nickName": person.name, "gender": 0, "language": if person.locale == "zh" { "zh_CN" } else { "en" },
        "city": "", "province": "", "country": "", "avatarUrl": "",
    });
    let mut whole = raw.clone();
    whole["openId"] = json!(wrong.open_id.clone().unwrap_or_else(|| person.open_id_for(app_id)));
    whole["unionId"] = json!(union_id(&person));
    if !wrong.no_watermark {
        let timestamp = wechat.clock.now_ms() / 1000 - wrong.age_s;
        whole["watermark"] =
            json!({"timestamp": timestamp, "appid": wrong.watermark_appid.as_deref().unwrap_or(app_id)});
    }
    let (raw_data, whole) = (raw.to_string(), whole.to_string());
    let Encrypted { data, iv } = crypt::encrypt(&key, blocks(wrong.text.as_ref().unwrap_or(&whole), wrong))?;
    let signature = crypt::signature(&raw_data, &key);
    Some(json!({"raw_data": raw_data, "signature": signature, "encrypted_data": data, "iv": iv}))
}

fn blocks(text: &str, wrong: &Wrong) -> Vec<u8> {
    let mut blocks = crypt::padded(text.as_bytes());
    if wrong.bad_padding
        && let Some(last) = blocks.last_mut()
    {
        *last = 0;
    }
    blocks
}
