//! Faults of the list in `docs/chaos.md`, each with the observable that shows that it is survived. The sandbox's judge, which
//! knows nothing of the gateway, says whether a refresh token was spent twice or lost.

mod clock;
mod disk;
mod long;
mod rolling;
mod servers;
mod token_life;
mod wal;

use std::time::Duration;

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{Lifetimes, Options};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// Most of an access token's life.
const NEARLY_OVER: Duration = Duration::from_secs(5_800);

/// A request with a refresh token.
fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

/// Access tokens of two seconds, refreshed after one: for processes, which have the real clock.
fn short_lives() -> Setup {
    let lifetimes = Lifetimes { access_token_s: 2, ..Lifetimes::default() };
    let sandbox = Options { lifetimes, ..Options::default() };
    Setup { sandbox, ..Setup::default() }.variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5").app("refresh = \"eager\"")
}

/// The series that counts refreshes with this outcome.
fn outcome(word: &str) -> String {
    format!("cardkey_token_refresh_total{{app_id=\"{APP}\",outcome=\"{word}\"}}")
}

impl World {
    /// How often a refresh token was sent, whatever became of it.
    fn sends(&self) -> usize {
        self.sandbox.feishu().journal.read(0, refresh).len()
    }

    /// Spoils so many refreshes.
    async fn spoil_refreshes(&self, times: u64, action: Value) {
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        self.fault(&json!({ "match": matches, "times": times, "action": action })).await;
    }

    /// Starts what is due now; how many refreshes that is.
    async fn starts(&self) -> usize {
        self.gateway().grants.run_refreshes(self.now()).await.unwrap()
    }

    /// A consent of the person's for the app.
    async fn consented_for(&self, app: &str, person: &str) {
        let reply = self.ask_for(person, READ, &json!({ "app": app, "notify": "link" })).await;
        let link = reply.json()["auth_session"]["authorization_uri"].as_str().unwrap_or(&reply.text).to_owned();
        assert_eq!(self.visit(&link, person, "allow").await.mood(), "good");
    }

    /// Alice's grant becomes due; the platform works on its refresh and keeps the answer.
    async fn an_answer_is_held(&self) {
        self.advance(NEARLY_OVER).await;
        self.answer_of_due_is_held().await;
    }

    /// The platform works on the refresh of the one grant that is due, and keeps the answer.
    async fn answer_of_due_is_held(&self) {
        self.spoil_refreshes(1, json!({ "kind": "hold", "act": true })).await;
        assert_eq!(self.starts().await, 1);
        self.sandbox.feishu().journal.wait_for(1, |entry| refresh(entry) && entry.outcome.is_some()).await;
    }

    /// Lets answers go until something holds: what is held a moment later is let go of a moment later.
    async fn releases_until(&self, holds: impl AsyncFn() -> bool) {
        self.until(async || {
            self.release().await;
            holds().await
        })
        .await;
    }

    /// Waits until the one grant has come to this generation, and is alive.
    async fn comes_to(&self, generation: u64) {
        self.until(async || self.grants().await[0]["generation"].as_u64() >= Some(generation)).await;
        assert_eq!(self.grants().await[0]["status"], "active");
    }

    /// What the judge says: nothing was sent twice, nothing is lost.
    async fn nothing_is_lost_or_sent_twice(&self) {
        let totals = self.look("judge").await["totals"].clone();
        for fault in ["double_sends", "overlapping_sends", "lost", "unknown_sends", "early"] {
            assert_eq!(totals[fault], 0, "{fault}: {totals}");
        }
    }
}
