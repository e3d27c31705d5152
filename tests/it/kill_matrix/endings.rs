//! How a world begins, with one grant whose pair is refreshed every second, and how it ends: kept, or asked.

use std::net::Ipv4Addr;
use std::time::Duration;

use cardkey_sandbox::ALICE;
use cardkey_sandbox::journal::Entry;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::seats::Pace;
use crate::harness::{APP, Setup, World};

/// What Alice grants.
pub(super) const READ: &[&str] = &["apaas:app:read"];

/// How often it is looked whether it has ended.
const GLANCE: Duration = Duration::from_millis(100);

/// What a loaded machine may add to anything.
const LOAD: Duration = Duration::from_mins(2);

/// A refresh that came to the platform.
pub(super) fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

/// The same, once the platform has worked on it.
pub(super) fn worked(entry: &Entry) -> bool {
    refresh(entry) && entry.outcome.is_some()
}

impl World {
    /// A world with a grant of Alice's, and no gateway that runs.
    pub(super) async fn with_a_grant(setup: Setup) -> Self {
        let world = Self::with_binary(setup).await;
        let process = world.start_process().await;
        assert_eq!(world.granted(READ).await.status, 200);
        process.stop().await;
        world
    }

    /// Spoils the next refresh that no rule before this one meets.
    pub(super) async fn refresh_fault(&self, action: &Value) {
        self.refresh_faults(action, 1).await;
    }

    /// The same for so many.
    pub(super) async fn refresh_faults(&self, action: &Value, times: usize) {
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        self.fault(&json!({ "match": matches, "times": times, "action": action })).await;
    }

    /// The platform's time.
    pub(super) fn now_ms(&self) -> i64 {
        self.sandbox.feishu().clock.now_ms()
    }

    /// Refreshes that came to the platform so far.
    pub(super) fn refreshes_seen(&self) -> usize {
        self.sandbox.feishu().journal.read(0, refresh).len()
    }

    /// Waits for it, for as long as a lease and a loaded machine may take.
    pub(super) async fn in_time(&self, pace: Pace, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + pace.lease() + LOAD;
        while !holds().await {
            assert!(Instant::now() < deadline, "it does not come to hold");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The grants, or nothing while the database is away.
    pub(super) async fn grants_if_any(&self) -> Vec<Value> {
        self.get("/v1/grants").await.json()["grants"].as_array().cloned().unwrap_or_default()
    }

    /// The generation of Alice's pair, or nothing while the database is away.
    pub(super) async fn generation(&self) -> Option<u64> {
        self.grants_if_any().await.first()?["generation"].as_u64()
    }

    /// Whether the one grant ends so that the person is asked, by a card; if not, its pair was refreshed twice more.
    pub(super) async fn ends_asked(&self, pace: Pace) -> bool {
        self.in_time(pace, async || self.generation().await.is_some()).await;
        let first = self.generation().await.unwrap_or_default();
        let kept = async || self.generation().await.is_some_and(|generation| generation >= first + 2);
        let asked = async || self.grants_if_any().await.first().is_some_and(|grant| grant["status"] == "needs_consent");
        self.in_time(pace, async || asked().await || kept().await).await;
        let is_asked = asked().await;
        if is_asked {
            self.in_time(pace, async || !self.messages(ALICE).await.is_empty()).await;
        }
        is_asked
    }

    /// Waits until the gateway at this address has no refresh under way.
    pub(super) async fn landed_at(&self, ip: Ipv4Addr, pace: Pace) {
        let series = format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}");
        let landed = async || {
            let metrics = self.send(self.http.get(format!("http://{ip}:8000/metrics"))).await.text;
            metrics.lines().find_map(|line| line.strip_prefix(series.as_str())).is_none_or(|rest| rest.trim() == "0")
        };
        self.in_time(pace, landed).await;
    }
}
