//! WeChat mini-programs, as far as a login service uses them: login codes, session keys, open data, app tokens, share codes.
//!
//! What the real platform serves under `api.weixin.qq.com` is served here under the sandbox's one origin. Wire formats follow the official
//! documentation; they are written here without looking at the gateway, on purpose. What the client does in the person's phone
//! (`wx.login`, `wx.getUserInfo`, the phone-number button) is in [`phone`]; the page that plays a mini-program is [`page`]. Where the
//! documentation is silent, `README.md` of the crate says what the sandbox chose.
//!
//! Failures are HTTP 200 with an `errcode`, and every JSON is sent as `text/plain`, as the platform does.

pub mod app_token;
pub mod call;
pub mod crypt;
pub mod login;
pub mod page;
pub mod phone;
pub mod phone_number;
pub mod refusal;
pub mod service;
pub mod session;
pub mod share_code;
pub mod state;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use serde_json::Value;

use self::refusal::Refusal;
use self::service::Desk;
use self::state::State;
use crate::gate::{self, Dialect, Gate};
use crate::limits::Limits;
use crate::site::Site;
use crate::world::refresh_log::Word;

/// How its requests and answers are read. There is no endpoint for the judge to watch.
const DIALECT: Dialect = Dialect { read: call::read, issued: call::issued, word, reset_header: "retry-after" };

/// The simulated platform: what all of its handlers share.
pub struct WeChat {
    /// What every platform has.
    pub site: Arc<Site>,
    /// Limits on calls.
    pub limits: Limits,
    /// Where the mini-program's own service takes its logins.
    pub desk: Desk,
    /// Whether the caller's address is missing on the app's list of allowed ones.
    pub address_refused: AtomicBool,
    /// Codes, session keys, tokens. Locked after the world, if both are needed.
    state: Mutex<State>,
}

impl Deref for WeChat {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl WeChat {
    /// A platform with nobody logged in.
    #[must_use]
    pub fn new(site: Arc<Site>, rate_limits: bool) -> Self {
        Self {
            site,
            limits: Limits::new(rate_limits),
            desk: Desk::default(),
            address_refused: AtomicBool::default(),
            state: Mutex::default(),
        }
    }

    /// Codes, session keys and tokens, for the length of the caller's step.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token calls are for addresses on the app's list only.
    fn check_address(&self) -> Result<(), Refusal> {
        if self.address_refused.load(Ordering::Acquire) {
            return Err(Refusal::new(40_164, "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist"));
        }
        Ok(())
    }

    /// Every code, session key and token that was handed out.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.state().issued().map(str::to_owned).collect()
    }
}

/// Nothing is refreshed at this platform.
fn word(_: StatusCode, _: &Value) -> Word {
    Word::Garbled
}

/// The platform's interfaces. Paths are compared letter by letter: another one is 40066.
pub fn router(wechat: Arc<WeChat>) -> Router {
    let gate = Gate { site: Arc::clone(&wechat.site), dialect: DIALECT };
    Router::new()
        .route("/sns/jscode2session", any(login::code_to_session))
        .route("/cgi-bin/token", get(app_token::plain))
        .route("/cgi-bin/stable_token", any(app_token::stable))
        .route("/wxa/checksession", get(session::check))
        .route("/wxa/resetusersessionkey", get(session::reset))
        .route("/wxa/business/getuserphonenumber", post(phone_number::get))
        .route("/wxa/getwxacodeunlimit", post(share_code::unlimited))
        .route("/sns/{*rest}", any(refusal::no_such_address))
        .route("/cgi-bin/{*rest}", any(refusal::no_such_address))
        .route("/wxa/{*rest}", any(refusal::no_such_address))
        .layer(middleware::from_fn_with_state(gate, gate::gate))
        .with_state(wechat)
}
