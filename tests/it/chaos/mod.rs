//! Faults of the list in `docs/chaos.md`, each with the observable that shows that it is survived. The sandbox's judge, which
//! knows nothing of the gateway, says whether a refresh token was spent twice or lost.

mod disk;
mod wal;

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{Lifetimes, Options};
use serde_json::{Value, json};

use crate::harness::{Setup, World};

const READ: &[&str] = &["apaas:app:read"];

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
