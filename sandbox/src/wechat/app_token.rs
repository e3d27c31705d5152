//! App tokens: `GET /cgi-bin/token`, where each call makes the token before it die, and `POST /cgi-bin/stable_token`, where it does not.
//! The two do not disturb each other.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::Method;
use serde_json::{Value, json};

use super::refusal::{Plain, Refusal};
use super::{WeChat, login};
use crate::params::Params;
use crate::random;

/// How long a token that was replaced lives on, and how long before its end a stable one is replaced.
const OVERLAP_MS: i64 = 300_000;

/// How far two forced replacements lie apart at least.
const BETWEEN_FORCED_MS: i64 = 30_000;

/// How many there may be in a day.
const FORCED_A_DAY: usize = 20;

/// A day.
const DAY_MS: i64 = 86_400_000;

/// Which of the two interfaces made a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Plain,
    Stable,
}

struct Token {
    app_id: String,
    expires_ms: i64,
}

/// All tokens.
#[derive(Default)]
pub struct AppTokens {
    known: HashMap<String, Token>,
    newest: HashMap<(Kind, String), String>,
    forced: HashMap<String, Vec<i64>>,
}

impl AppTokens {
    /// Every token that was ever issued.
    pub fn issued(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    fn replace(&mut self, kind: Kind, app_id: &str, expires_ms: i64, old_dies_ms: i64) -> String {
        let text = format!("{}_{}", random::hex(2), random::url_safe(134));
        self.known.insert(text.clone(), Token { app_id: app_id.to_owned(), expires_ms });
        if let Some(old) = self.newest.insert((kind, app_id.to_owned()), text.clone())
            && let Some(old) = self.known.get_mut(&old)
        {
            old.expires_ms = old.expires_ms.min(old_dies_ms);
        }
        text
    }

    fn newest(&self, kind: Kind, app_id: &str) -> Option<(&String, i64)> {
        let text = self.newest.get(&(kind, app_id.to_owned()))?;
        Some((text, self.known.get(text)?.expires_ms))
    }

    /// Whether a forced replacement is due; counts it if so.
    fn may_force(&mut self, app_id: &str, now_ms: i64) -> bool {
        let times = self.forced.entry(app_id.to_owned()).or_default();
        times.retain(|at_ms| now_ms - at_ms < DAY_MS);
        let rested = times.last().is_none_or(|at_ms| now_ms - at_ms >= BETWEEN_FORCED_MS);
        let may = rested && times.len() < FORCED_A_DAY;
        if may {
            times.push(now_ms);
        }
        may
    }

    /// Lets every token of an app die.
    pub fn kill(&mut self, app_id: &str) {
        self.known.values_mut().filter(|token| token.app_id == app_id).for_each(|token| token.expires_ms = 0);
        self.newest.retain(|(_, app), _| app != app_id);
    }
}

/// `GET /cgi-bin/token`.
pub async fn plain(State(wechat): State<Arc<WeChat>>, RawQuery(query): RawQuery) -> Result<Plain, Refusal> {
    let params = Params::from_form(query.as_deref().unwrap_or_default());
    let app_id = client(&wechat, &params)?;
    let (now_ms, life_s) = (wechat.clock.now_ms(), wechat.lifetimes.tenant_token_s);
    let text = wechat.state().tokens.replace(Kind::Plain, &app_id, now_ms + life_s * 1000, now_ms + OVERLAP_MS);
    Ok(Plain(json!({"access_token": text, "expires_in": life_s})))
}

/// `POST /cgi-bin/stable_token`.
pub async fn stable(State(wechat): State<Arc<WeChat>>, method: Method, body: Bytes) -> Result<Plain, Refusal> {
    if method != Method::POST {
        return Err(Refusal::new(43_002, "require POST method"));
    }
    let fields: Value = serde_json::from_slice(&body).unwrap_or_default();
    let forced = fields["force_refresh"].as_bool().unwrap_or_default();
    let app_id = client(&wechat, &Params::read(&body))?;
    let (now_ms, life_s) = (wechat.clock.now_ms(), wechat.lifetimes.tenant_token_s);
    let mut state = wechat.state();
    let forced = forced && state.tokens.may_force(&app_id, now_ms);
    let known = state.tokens.newest(Kind::Stable, &app_id).filter(|(_, expires_ms)| expires_ms - now_ms > OVERLAP_MS);
    if let (Some((text, expires_ms)), false) = (known, forced) {
        return Ok(Plain(json!({"access_token": text, "expires_in": (expires_ms - now_ms) / 1000})));
    }
    let old_dies_ms = if forced { now_ms } else { now_ms + OVERLAP_MS };
    let text = state.tokens.replace(Kind::Stable, &app_id, now_ms + life_s * 1000, old_dies_ms);
    Ok(Plain(json!({"access_token": text, "expires_in": life_s})))
}

fn client(wechat: &WeChat, params: &Params) -> Result<String, Refusal> {
    if params.get("grant_type") != Some("client_credential") {
        return Err(Refusal::new(40_002, "invalid grant_type"));
    }
    let app = login::client(&wechat.world.lock(), params)?;
    wechat.check_address()?;
    Ok(app.app_id)
}

/// The app whose living token this is.
pub(super) fn app_of(wechat: &WeChat, token: Option<&str>) -> Result<String, Refusal> {
    let invalid = || Refusal::new(40_001, "invalid credential, access_token is invalid or not latest");
    let state = wechat.state();
    let token = token.and_then(|text| state.tokens.known.get(text)).ok_or_else(invalid)?;
    match token.expires_ms {
        // Killed, not over.
        0 => Err(invalid()),
        expires_ms if expires_ms > wechat.clock.now_ms() => Ok(token.app_id.clone()),
        _ => Err(Refusal::new(42_001, "access_token expired")),
    }
}
