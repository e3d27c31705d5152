//! DingTalk, as far as an auth gateway uses it: Stream mode, robot messages, interactive cards, OAuth.
//!
//! What the real platform serves under `api.`, `oapi.` and `login.dingtalk.com` is served here under one origin; the long
//! connection has a port of its own per app. Wire formats follow the official documentation and SDKs; they are written here without
//! looking at the gateway, on purpose. Where the documentation is silent, `README.md` of the crate says what the sandbox chose.
//!
//! Every request passes [`crate::gate`], as at every platform. To add an interface: a file with its handler, a line in [`router`],
//! a name in [`call`].

pub mod app_token;
pub mod authorize;
pub mod bearer;
pub mod call;
pub mod card;
pub mod chat;
pub mod click;
pub mod oauth;
pub mod open;
pub mod person;
pub mod refusal;
pub mod robot;
pub mod stream;
pub mod throttle;
pub mod user;
pub mod word;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::routing::{get, post};
use axum::{Router, middleware};

use self::card::Cards;
use self::robot::Sessions;
use self::stream::Stream;
use crate::gate::{self, Dialect, Gate};
use crate::limits::Limits;
use crate::options::TokenLimit;
use crate::site::Site;

/// How its requests and answers are read. No header tells when to come again.
const DIALECT: Dialect =
    Dialect { read: call::read, issued: call::issued, word: word::word, reset_header: "retry-after" };

/// The simulated platform: what all of its handlers share.
pub struct DingTalk {
    /// What every platform has.
    pub site: Arc<Site>,
    /// Limits on calls.
    pub limits: Limits,
    /// Whether the token endpoint has one.
    pub token_limit: TokenLimit,
    /// The cards, by the ids that apps gave them. Locked after the world, if both are needed.
    pub cards: Mutex<Cards>,
    /// Where answers to robot messages go.
    pub sessions: Mutex<Sessions>,
    /// The long connections, one server per app.
    pub streams: RwLock<HashMap<String, Arc<Stream>>>,
}

impl Deref for DingTalk {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl DingTalk {
    /// A platform without connections.
    #[must_use]
    pub fn new(site: Arc<Site>, rate_limits: bool, token_limit: TokenLimit) -> Self {
        Self {
            site,
            limits: Limits::new(rate_limits),
            token_limit,
            cards: Mutex::default(),
            sessions: Mutex::default(),
            streams: RwLock::default(),
        }
    }

    /// The long connections of an app.
    #[must_use]
    pub fn stream(&self, client_id: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(client_id).cloned()
    }

    /// Remembers the long connections of a new app.
    pub fn add_stream(&self, client_id: &str, stream: Arc<Stream>) {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).insert(client_id.to_owned(), stream);
    }

    /// The cards, for the length of the caller's step.
    pub fn cards(&self) -> MutexGuard<'_, Cards> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sessions, for the length of the caller's step.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The platform's interfaces.
pub fn router(dingtalk: Arc<DingTalk>) -> Router {
    let gate = Gate { site: Arc::clone(&dingtalk.site), dialect: DIALECT };
    Router::new()
        .route("/v1.0/gateway/connections/open", post(open::open))
        .route("/oauth2/auth", get(authorize::page).post(authorize::decide))
        .route("/v1.0/oauth2/userAccessToken", post(oauth::token))
        .route("/v1.0/oauth2/accessToken", post(app_token::access_token))
        .route("/v1.0/oauth2/corpAccessToken", post(app_token::corp_access_token))
        .route("/v1.0/oauth2/{corp_id}/token", post(app_token::corp_token))
        .route("/gettoken", get(app_token::old))
        .route("/v1.0/contact/users/{union_id}", get(user::get))
        .route("/topapi/user/getbyunionid", post(user::by_union_id))
        .route("/v1.0/card/instances/createAndDeliver", post(card::create::create_and_deliver))
        .route("/v1.0/card/instances", post(card::create::create).put(card::update::update))
        .route("/v1.0/card/instances/deliver", post(card::create::deliver))
        .route("/v1.0/robot/oToMessages/batchSend", post(robot::batch_send))
        .route("/robot/sendBySession", post(robot::send_by_session))
        .layer(middleware::from_fn_with_state(gate, gate::gate))
        .with_state(dingtalk)
}
