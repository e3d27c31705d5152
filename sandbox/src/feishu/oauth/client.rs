//! Which app asks: client id and secret from the body or from HTTP Basic, never both.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Problem;
use crate::params::Params;
use crate::world::State;
use crate::world::apps::App;

/// The app that asks.
pub struct Client {
    /// The app.
    pub app: App,
    /// Whether it proved to be itself. Public clients that use PKCE need not.
    pub authenticated: bool,
}

/// Finds the app and checks its secret and state.
pub fn authenticate(state: &State, headers: &HeaderMap, params: &Params) -> Result<Client, Problem> {
    let basic = basic(headers)?;
    if basic.is_some() && params.get("client_secret").is_some() {
        return Err(Problem::TwoAuthentications);
    }
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (params.get("client_id"), params.get("client_secret")),
    };
    let app = state.apps.get(id.ok_or(Problem::Missing("client_id"))?).ok_or(Problem::NoSuchApp)?;
    match secret {
        Some(secret) if secret == app.secret => {}
        Some(_) => return Err(Problem::WrongSecret),
        None if app.public_client => {}
        None => return Err(Problem::Missing("client_secret")),
    }
    if !app.enabled {
        return Err(Problem::NotEnabled);
    }
    if !app.installed {
        return Err(Problem::NotInstalled);
    }
    Ok(Client { app: app.clone(), authenticated: secret.is_some() })
}

fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some(encoded) = value.strip_prefix("Basic ") else {
        return Ok(None);
    };
    let malformed = || Problem::Malformed("Authorization".to_owned());
    let text = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(malformed)?;
    let (id, secret) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Some((id.to_owned(), secret.to_owned())))
}
