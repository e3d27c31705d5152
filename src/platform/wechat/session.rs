//! `checkSessionKey` and `resetUserSessionKey`: we prove the session key that we hold, and the platform says whether it is the person's.

use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use url::Url;

use super::api::Api;
use super::errors::Meaning;
use super::login::session_key;
use super::proof;
use super::reply::Failure;
use crate::domain::ids::SubjectId;
use crate::domain::secret::Secret;
use crate::platform::PlatformError;
use crate::platform::effect::Effect;

/// Whether this is the person's session key by now.
pub(super) async fn is_session(api: &Api, subject: &SubjectId, session: &Secret) -> Result<bool, PlatformError> {
    let asked = ask(api, "/wxa/checksession", (subject, session), Effect::Harmless).await?;
    Ok(asked.is_some())
}

/// Gets another one for it.
pub(super) async fn renew(api: &Api, subject: &SubjectId, session: &Secret) -> Result<Option<Secret>, PlatformError> {
    let asked = ask(api, "/wxa/resetusersessionkey", (subject, session), Effect::Acts).await?;
    // The old one is dead by now.
    asked.map(|object| session_key(&object).ok_or(PlatformError::Unclear)).transpose()
}

/// What the platform says to the proof; nothing if it does not take it.
async fn ask(
    api: &Api,
    path: &str,
    (subject, session): (&SubjectId, &Secret),
    effect: Effect,
) -> Result<Option<Map<String, Value>>, PlatformError> {
    let request = |mut url: Url| -> RequestBuilder {
        url.query_pairs_mut()
            .append_pair("openid", subject.as_str())
            .append_pair("signature", &proof::of_session(session, b""))
            .append_pair("sig_method", "hmac_sha256");
        api.http.get(url)
    };
    match api.ask_as_app(path, request, effect).await {
        Ok(object) => Ok(Some(object)),
        Err(Failure { meaning: Some(Meaning::AnotherSession), .. }) => Ok(None),
        Err(failure) => Err(failure.error),
    }
}
