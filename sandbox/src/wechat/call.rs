//! Reads off a request what it is about, for the journal and the fault rules. It decides nothing.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use serde_json::Value;

use crate::journal::Call;
use crate::params::Params;
use crate::random::fingerprint;
use crate::site::Site;

/// Parameters that hold a secret, with the names under which their fingerprints are written down.
const SENT: [(&str, &str); 3] = [("js_code", "code"), ("code", "code"), ("access_token", "access_token")];
/// The same for answers.
const ISSUED: [(&str, &str); 2] = [("session_key", "session_key"), ("access_token", "access_token")];

/// What the request is about. Whose a code is only the platform knows: faults for a person match calls that name the person.
#[must_use]
pub fn read(site: &Site, parts: &Parts, body: &[u8]) -> Call {
    let path = parts.uri.path();
    let (query, params) = (Params::from_form(parts.uri.query().unwrap_or_default()), Params::read(body));
    let named = |name: &str| query.get(name).or_else(|| params.get(name));
    let state = site.world.lock();
    let person = named("openid").and_then(|openid| state.people.find(openid));
    let prints = SENT.iter().filter_map(|(field, name)| Some(((*name).to_owned(), fingerprint(named(field)?))));
    Call {
        api: api(path).to_owned(),
        method: parts.method.to_string(),
        path: path.to_owned(),
        app_id: named("appid").map(str::to_owned),
        open_id: person.map(|id| state.people.get(id).open_id.clone()),
        grant_type: named("grant_type").map(str::to_owned),
        sent: prints.collect(),
    }
}

/// Fingerprints of the secrets in an answer.
#[must_use]
pub fn issued(body: &Value) -> BTreeMap<String, String> {
    ISSUED.iter().filter_map(|(field, name)| Some(((*name).to_owned(), fingerprint(body[field].as_str()?)))).collect()
}

fn api(path: &str) -> &'static str {
    match path {
        "/sns/jscode2session" => "code_to_session",
        "/cgi-bin/token" => "token",
        "/cgi-bin/stable_token" => "stable_token",
        "/wxa/checksession" => "check_session",
        "/wxa/resetusersessionkey" => "reset_session",
        "/wxa/business/getuserphonenumber" => "phone_number",
        "/wxa/getwxacodeunlimit" => "share_code",
        _ => "other",
    }
}
