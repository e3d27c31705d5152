//! Keeps the log of refreshes for the judge: what each request to the token endpoint sent, and what its answer says.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::gate::Dialect;
use crate::journal::Call;
use crate::random::Print;
use crate::site::Site;
use crate::world::refresh_log::{Acted, RefreshLog, Told};

/// One request to the token endpoint, as the log knows it.
#[derive(Clone)]
pub struct Docket {
    site: Arc<Site>,
    dialect: Dialect,
    number: usize,
}

impl Docket {
    /// Opens one if the request is to the token endpoint.
    #[must_use]
    pub fn open(site: &Arc<Site>, dialect: Dialect, call: &Call) -> Option<Self> {
        if call.api != "oauth_token" {
            return None;
        }
        let refreshes = call.grant_type.as_deref() == Some("refresh_token");
        let print = call.sent.get("refresh_token").filter(|_| refreshes).and_then(|print| Print::parse(print));
        let app_id = call.app_id.as_deref().unwrap_or_default();
        let at_ms = site.clock.now_ms();
        let number = site.world.lock().tokens.log_mut().send(app_id, print, at_ms);
        Some(Self { site: Arc::clone(site), dialect, number })
    }

    fn write(&self, line: impl FnOnce(&mut RefreshLog)) {
        line(self.site.world.lock().tokens.log_mut());
    }

    /// The platform did its work and would answer so.
    pub fn acted(&self, status: StatusCode, body: &Value) {
        let issued = (self.dialect.issued)(body).get("refresh_token").and_then(|print| Print::parse(print));
        let acted = Acted { at_ms: self.site.clock.now_ms(), word: (self.dialect.word)(status, body), issued };
        self.write(|log| log.act(self.number, acted));
    }

    /// This is the answer that is sent; `own` says that no fault made it.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], own: bool) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let reset = headers.get(self.dialect.reset_header).and_then(|value| value.to_str().ok()?.parse().ok());
        let told =
            Told { at_ms: self.site.clock.now_ms(), word: (self.dialect.word)(status, &body), reset_s: reset, own };
        self.write(|log| log.finish(self.number, Some(told)));
    }

    /// There is no answer, or none that is the platform's to read.
    pub fn gave_up(&self) {
        self.write(|log| log.finish(self.number, None));
    }

    /// The answer went out, whole or not.
    pub fn settled(&self, whole: bool) {
        self.write(|log| log.settle(self.number, whole));
    }
}
