//! The control API: how a test or demo scripts the platform. JSON over HTTP under `/control/`, no authentication.
//!
//! | route | does |
//! |---|---|
//! | `POST /control/faults` | adds a fault rule: [`Rule`](crate::faults::Rule) |
//! | `GET`, `DELETE /control/faults` | lists the rules with how many requests each met; removes all |
//! | `POST /control/release` | lets go of the requests that `hold` faults hold |
//! | `GET`, `DELETE /control/log` | platform requests, oldest first, secrets as fingerprints (`?after=SEQ&api=NAME&open_id=ID&limit=N`); forgets them |
//! | `GET`, `DELETE /control/judge` | what the judge says of all refreshes: [`Verdict`](crate::judge::Verdict); forgets the requests so far |
//! | `POST /control/code` | issues a code as the authorize page would |
//! | `POST /control/consent` | decides at the authorize page for a person; gives the redirect's `location` without calling it |
//! | `POST /control/device` | decides at the device page for a person |
//! | `POST /control/revoke` | kills a person's tokens and consents; pushes `auth.user_access_token.revoked_v4` |
//! | `POST /control/person_status` | freezes, thaws, dismisses a person; pushes `contact.user.updated_v3` |
//! | `POST /control/departure` | a person leaves the company; pushes `contact.user.deleted_v3` |
//! | `POST /control/app_status` | stops or starts an app; pushes `app_status_change` |
//! | `GET`, `POST /control/people` | lists people with their id at each app; adds or changes one |
//! | `GET`, `POST /control/apps` | lists apps; adds or changes one |
//! | `GET`, `POST /control/delivery` | the way that events go (`mode`: `long_connection` or `webhook` with its `url`), as the administrator sets it at the console |
//! | `POST /control/letter` | what would be posted of an `envelope` now, for whoever spoils it or sends it twice |
//! | `POST /control/push` | pushes an event |
//! | `POST /control/say` | a person writes to a bot |
//! | `POST /control/tap` | a person taps a card, as at the chat page |
//! | `GET /control/messages` | a person's messages (`?open_id=ID`) |
//! | `GET /control/grants` | what a person has granted, and fingerprints of the tokens alive (`?open_id=ID&app_id=ID`) |
//! | `POST /control/clock` | moves the clock ahead (`advance_ms`), stops it or lets it run on (`frozen`) |
//! | `POST /control/rate_limits` | enforces the limits or not (`enabled`); changes how the token endpoint answers at its own (`token_endpoint`) |
//! | `GET /control/stream` | how many long connections are open, and on which port |
//! | `GET`, `POST`, `DELETE /control/stream/faults` | the long connection's faults: [`StreamFaults`](crate::feishu::stream::StreamFaults) |
//! | `GET /control/stream/log` | what happened on the long connection (`?after=N`) |
//! | `POST /control/stream/raw` | puts bytes or messages on a connection (`connection`, `raw`) |
//! | `POST /control/flood` | floods one connection: [`FloodSpec`](crate::websocket::flood::FloodSpec) in, [`FloodReport`](crate::websocket::flood::FloodReport) out |
//!
//! The DingTalk simulator has the same under `/dingtalk/control/`, see [`dingtalk`], the WeChat simulator under `/wechat/control/`, see
//! [`wechat`].
//!
//! Bodies name people by `open_id` (of any app) and apps by `app_id`; the default app is meant when it is left out.

mod change;
mod delivery;
pub mod dingtalk;
mod dingtalk_stream;
mod drive;
mod lifecycle;
mod look;
mod site;
mod streams;
pub mod wechat;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::dingtalk::authorize;
use crate::feishu::Feishu;
use crate::feishu::consent::PageProblem;
use crate::feishu::webhook::Unproved;
use crate::sandbox::Ground;

/// What the control API works on.
#[derive(Clone)]
struct Control {
    feishu: Arc<Feishu>,
    ground: Arc<Ground>,
}

/// Why the control API did not do as it was told.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    /// The request names something that is not there.
    #[error("there is no {0}")]
    Absent(&'static str),
    /// The request makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// The page that would decide shows this problem instead.
    #[error("the page shows a problem: {0}")]
    Page(#[from] PageProblem),
    /// The same at DingTalk.
    #[error("the page shows a problem: {0}")]
    DingTalkPage(#[from] authorize::Problem),
    /// The console does not take the address.
    #[error(transparent)]
    Unproved(#[from] Unproved),
    /// A listener could not be opened.
    #[error("a listener could not be opened")]
    Io(#[from] std::io::Error),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Page(_) | Self::DingTalkPage(_) | Self::Unproved(_) => StatusCode::CONFLICT,
            Self::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let code = match &self {
            Self::Page(problem) => json!(problem.code),
            Self::DingTalkPage(problem) => json!(problem.code()),
            _ => Value::Null,
        };
        (status, Json(json!({"error": self.to_string(), "code": code}))).into_response()
    }
}

/// All routes.
pub fn router(feishu: Arc<Feishu>, ground: Arc<Ground>) -> Router {
    let common = site::router(Arc::clone(&feishu.site));
    Router::new()
        .route("/control/messages", get(look::messages))
        .route("/control/apps", get(look::apps).post(change::apps))
        .route("/control/code", post(drive::code))
        .route("/control/consent", post(drive::consent))
        .route("/control/device", post(drive::device))
        .route("/control/revoke", post(lifecycle::revoke))
        .route("/control/person_status", post(lifecycle::person_status))
        .route("/control/departure", post(lifecycle::departure))
        .route("/control/app_status", post(lifecycle::app_status))
        .route("/control/push", post(drive::push))
        .route("/control/say", post(drive::say))
        .route("/control/tap", post(drive::tap))
        .route("/control/rate_limits", post(change::rate_limits))
        .nest("/control", streams::router())
        .merge(delivery::router())
        .with_state(Control { feishu, ground })
        .nest("/control", common)
}
