//! `code2Session`: a login code becomes the person's id and a session key.
//!
//! The app's secret and the code go into the address, since the platform reads nothing else; an address is logged nowhere here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::api::{Api, ask};
use crate::domain::ids::{SubjectId, UnionId};
use crate::domain::secret::Secret;
use crate::platform::answer_fields::text;
use crate::platform::effect::Effect;
use crate::platform::{LoggedIn, LoginError, PlatformError};

/// A session key is so many bytes long.
pub(super) const KEY_BYTES: usize = 16;

/// Spends the code.
pub(super) async fn log_in(api: &Api, code: &Secret) -> Result<LoggedIn, LoginError> {
    let mut url = api.config.address("/sns/jscode2session");
    url.query_pairs_mut()
        .append_pair("appid", api.config.app_id.as_str())
        .append_pair("secret", api.config.app_secret.expose())
        .append_pair("js_code", code.expose())
        .append_pair("grant_type", "authorization_code");
    let object = ask(api.http.get(url), Effect::Acts).await?;
    // The code is spent.
    Ok(read(&object).ok_or(PlatformError::Unclear)?)
}

fn read(object: &Map<String, Value>) -> Option<LoggedIn> {
    Some(LoggedIn {
        subject: SubjectId::parse(text(object, "openid")?).ok()?,
        union: text(object, "unionid").map(UnionId::parse).transpose().ok()?,
        session: session_key(object)?,
    })
}

/// The session key of an answer, if it is one.
pub(super) fn session_key(object: &Map<String, Value>) -> Option<Secret> {
    let text = text(object, "session_key")?;
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    (bytes.len() == KEY_BYTES).then(|| Secret::new(text.to_owned()))
}
