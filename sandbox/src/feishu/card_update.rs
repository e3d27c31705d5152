//! The delayed update: `POST /open-apis/interactive/v1/card/update` with the token of a click.
//!
//! A token is good once the click has been answered, for half an hour, twice. The platform's codes for a bad token are not
//! public; 300000 with a text is this sandbox's choice.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::errors::Refusal;
use super::messages::refused;
use super::rate_limit::windows;
use super::{Feishu, bearer, card};

/// How long a click's token lives, in seconds.
const TOKEN_LIFE_S: i64 = 1800;
/// How often it may be used.
const USES: u32 = 2;

/// Changes the card that was clicked.
pub async fn update(State(feishu): State<Arc<Feishu>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let version = replace(&feishu, &headers, &body)?;
    feishu.world.announce(version);
    Ok(Json(json!({"code": 0, "msg": "ok"})).into_response())
}

fn replace(feishu: &Feishu, headers: &HeaderMap, body: &[u8]) -> Result<u64, Refusal> {
    let mut guard = feishu.world.lock();
    let state = &mut *guard;
    let app = bearer::tenant(feishu, state, headers)?;
    let body: Value = serde_json::from_slice(body).map_err(|_| refuse("the body is not JSON"))?;
    let now_ms = feishu.clock.now_ms();
    let token = body["token"].as_str().unwrap_or_default();
    let click = state.messages.click_mut(token).ok_or_else(|| refuse("the token is not known"))?;
    if click.app_id != app.app_id {
        return Err(Refusal::bad(200_310, "the card was not sent by this app"));
    }
    if !click.answered {
        return Err(refuse("the click has not been answered yet"));
    }
    if now_ms - click.issued_ms > feishu.clock.period_ms(TOKEN_LIFE_S) {
        return Err(refuse("the token is older than 30 minutes"));
    }
    if click.uses >= USES {
        return Err(refuse("the token has been used twice"));
    }
    let message_id = click.message_id.clone();
    feishu.limits.count(&windows("card_update", &app.app_id, &message_id), now_ms)?;
    let content = body["card"].to_string();
    if content.len() > card::SIZE_LIMIT {
        return Err(Refusal::bad(230_025, "the card is longer than 30 KB"));
    }
    let card = card::parse(&content).map_err(|problem| refused(&problem))?;
    if let Some(click) = state.messages.click_mut(token) {
        click.uses += 1;
    }
    state.messages.replace(&message_id, card, content, now_ms).ok_or_else(|| refuse("the message is not there"))
}

fn refuse(text: &str) -> Refusal {
    Refusal::bad(300_000, text)
}
