//! The token endpoint: `POST /oauth/v3/token` and its elder `POST /open-apis/authen/v2/oauth/token`.
//!
//! The two differ in one point: v3 refuses a `code_verifier` when no challenge had been sent. Every check and its effect
//! happen under one lock, so a code or refresh token is spent exactly once however many ask at the same time.

mod client;
mod code;
mod device_code;
mod issue;
mod pkce;
mod problem;
mod refresh;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub use self::client::{Client, authenticate};
pub use self::problem::Problem;
use super::Feishu;
use super::params::Params;
use crate::world::tokens::{AccessToken, Owner};

/// Which of the two endpoints was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `/open-apis/authen/v2/oauth/token`.
    V2,
    /// `/oauth/v3/token`.
    V3,
}

/// `POST /oauth/v3/token`.
pub async fn v3(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(token(&feishu, Version::V3, &headers, &body))
}

/// `POST /open-apis/authen/v2/oauth/token`.
pub async fn v2(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(token(&feishu, Version::V2, &headers, &body))
}

fn answer(result: Result<Value, Problem>) -> Response {
    match result {
        Ok(body) => Json(body).into_response(),
        Err(problem) => problem.refusal().into_response(),
    }
}

fn token(feishu: &Feishu, version: Version, headers: &HeaderMap, body: &[u8]) -> Result<Value, Problem> {
    let params = Params::read(body);
    if let Some(name) = params.malformed {
        return Err(Problem::Malformed(name));
    }
    let grant_type = required(&params, "grant_type")?;
    let mut state = feishu.world.lock();
    let client = authenticate(&state, headers, &params)?;
    match grant_type {
        "authorization_code" => code::exchange(feishu, &mut state, &client, &params, version),
        "refresh_token" => refresh::rotate(feishu, &mut state, &client, &params),
        "client_credentials" if !client.authenticated => Err(Problem::Missing("client_secret")),
        "client_credentials" => {
            let token = AccessToken {
                app_id: client.app.app_id,
                owner: Owner::Tenant,
                scopes: Vec::new(),
                expires_ms: feishu.clock.now_ms() + feishu.lifetimes.access_token_s * 1000,
                revoked: false,
            };
            Ok(json!({
                "code": 0,
                "access_token": state.tokens.issue_access(token),
                "expires_in": feishu.lifetimes.access_token_s,
                "token_type": "Bearer",
            }))
        }
        "urn:ietf:params:oauth:grant-type:device_code" => device_code::poll(feishu, &mut state, &client, &params),
        other => Err(Problem::UnsupportedGrantType(other.to_owned())),
    }
}

/// A parameter that must be there.
fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Problem> {
    params.get(name).ok_or(Problem::Missing(name))
}
