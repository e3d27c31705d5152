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
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub use self::client::{Client, authenticate};
pub use self::problem::Problem;
use super::Feishu;
use super::errors::Refusal;
use crate::gate::MixedUpWith;
use crate::params::Params;
use crate::world::State as WorldState;
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
pub async fn v3(State(feishu): State<Arc<Feishu>>, parts: Parts, body: Bytes) -> Response {
    answer(token(&feishu, Version::V3, &parts, &body))
}

/// `POST /open-apis/authen/v2/oauth/token`.
pub async fn v2(State(feishu): State<Arc<Feishu>>, parts: Parts, body: Bytes) -> Response {
    answer(token(&feishu, Version::V2, &parts, &body))
}

fn answer(result: Result<Value, Refusal>) -> Response {
    result.map_or_else(IntoResponse::into_response, |body| Json(body).into_response())
}

fn token(feishu: &Feishu, version: Version, parts: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    let (headers, params) = (&parts.headers, Params::read(body));
    if let Some(name) = params.malformed {
        return Err(Problem::Malformed(name).refusal());
    }
    required(&params, "grant_type").map_err(|problem| problem.refusal())?;
    let mut state = feishu.world.lock();
    let client = authenticate(&state, headers, &params).map_err(|problem| problem.refusal())?;
    // The gateway in front of the endpoint counts by app, before anything is done.
    feishu.limits.count_token(&client.app.app_id, feishu.clock.now_ms())?;
    let mixed_up = parts.extensions.get::<MixedUpWith>();
    grant(feishu, &mut state, client, (&params, mixed_up), version).map_err(|problem| problem.refusal())
}

fn grant(
    feishu: &Feishu,
    state: &mut WorldState,
    client: Client,
    (params, mixed_up): (&Params, Option<&MixedUpWith>),
    version: Version,
) -> Result<Value, Problem> {
    match required(params, "grant_type")? {
        "authorization_code" => code::exchange(feishu, state, &client, params, version),
        "refresh_token" => refresh::rotate(feishu, state, &client, (params, mixed_up)),
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
        "urn:ietf:params:oauth:grant-type:device_code" => device_code::poll(feishu, state, &client, params),
        other => Err(Problem::UnsupportedGrantType(other.to_owned())),
    }
}

/// A parameter that must be there.
fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Problem> {
    params.get(name).ok_or(Problem::Missing(name))
}
