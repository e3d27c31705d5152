//! The chat: the page on which a person sees a bot's cards and taps them, and the JSON behind it (`/chat/api/…`).
//!
//! A person is named by the id that the default app knows; the chat shows the cards of all bots.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::feishu::Feishu;
use crate::feishu::click::{self, Tap};
use crate::pages;
use crate::site::Site;
use crate::viewer;
use crate::world::messages::Message;
use crate::world::people::PersonId;

/// The longest wait for news, in seconds.
const LONGEST_WAIT_S: u64 = 25;

/// The page, its files and its JSON.
pub fn router(feishu: Arc<Feishu>) -> Router {
    let common = common(Arc::clone(&feishu.site));
    Router::new()
        .route("/", get(async || viewer::html(pages::chat())))
        .route("/assets/{name}", get(asset))
        .route("/chat/api/tap", post(tap))
        .route("/chat/api/say", post(say))
        .with_state(feishu)
        .nest("/chat/api", common)
}

/// What is the same at every platform: who there is, and their messages.
pub(crate) fn common(site: Arc<Site>) -> Router {
    Router::new().route("/state", get(state)).route("/messages", get(messages)).with_state(site)
}

async fn asset(Path(name): Path<String>) -> Response {
    match pages::asset(&name) {
        Some((kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, Html("no such file")).into_response(),
    }
}

async fn state(State(site): State<Arc<Site>>) -> Json<Value> {
    let state = site.world.lock();
    let apps: Vec<_> = state.apps.iter().map(|app| json!({"app_id": app.app_id, "name": app.name})).collect();
    let people = state.people.iter().filter(|person| !person.removed).map(|person| {
        json!({"open_id": person.open_id, "name": person.name, "color": person.color, "locale": person.locale})
    });
    let people: Vec<_> = people.collect();
    Json(json!({"apps": apps, "people": people}))
}

pub(crate) fn nobody() -> Response {
    let error = json!({"error": {"code": 404, "text": "there is no such person"}});
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

/// The person's messages changed after `after`; waits up to `wait` seconds for one.
async fn messages(State(site): State<Arc<Site>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let open_id = query.get("open_id").map_or("", String::as_str);
    let Some(person) = site.world.lock().people.find(open_id) else {
        return nobody();
    };
    let (after, wait) = (number("after"), Duration::from_secs(number("wait").min(LONGEST_WAIT_S)));
    let news = news(&site, person, after);
    let (version, messages) = tokio::time::timeout(wait, news).await.unwrap_or_else(|_| changed(&site, person, after));
    Json(json!({"version": version.max(after), "messages": messages})).into_response()
}

async fn news(site: &Site, person: PersonId, after: u64) -> (u64, Vec<Value>) {
    let mut versions = site.world.versions();
    loop {
        versions.borrow_and_update();
        let found = changed(site, person, after);
        if found.0 > after || versions.changed().await.is_err() {
            return found;
        }
    }
}

/// The newest version among the person's messages, and those changed after `after`.
pub(crate) fn changed(site: &Site, person: PersonId, after: u64) -> (u64, Vec<Value>) {
    let state = site.world.lock();
    let messages = state.messages.of(person, after);
    let version = messages.iter().map(|message| message.version).max().unwrap_or_default();
    let name = |app_id: &str| state.apps.get(app_id).map_or_else(String::new, |app| app.name.clone());
    (version, messages.into_iter().map(|message| described(message, &name(&message.app_id))).collect())
}

fn described(message: &Message, bot_name: &str) -> Value {
    json!({
        "message_id": message.message_id,
        "app_id": message.app_id,
        "bot_name": bot_name,
        "card": message.card,
        "updated": message.updated,
        "create_time_ms": message.created_ms,
    })
}

#[derive(Deserialize)]
struct TapBody {
    open_id: String,
    message_id: String,
    action: Value,
}

/// A tap: waits for the app's answer and gives its toast or what went wrong.
async fn tap(State(feishu): State<Arc<Feishu>>, Json(body): Json<TapBody>) -> Response {
    let Some(person) = feishu.world.lock().people.find(&body.open_id) else {
        return nobody();
    };
    let tap = Tap { person, message_id: body.message_id, action: body.action };
    let answer = match click::tap(&feishu, &tap).await {
        Ok(toast) => json!({"toast": toast, "error": null}),
        Err(error) => json!({"toast": null, "error": {"code": error.code, "text": error.text}}),
    };
    Json(answer).into_response()
}

#[derive(Deserialize)]
struct SayBody {
    open_id: String,
    app_id: String,
    text: String,
}

/// The person writes to the bot: an `im.message.receive_v1` goes out.
async fn say(State(feishu): State<Arc<Feishu>>, Json(body): Json<SayBody>) -> Response {
    let Some(person) = feishu.world.lock().people.find(&body.open_id) else {
        return nobody();
    };
    let event_id = click::say(&feishu, person, &body.app_id, &body.text).await;
    Json(json!({"event_id": event_id})).into_response()
}
