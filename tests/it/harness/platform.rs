//! The platform's side of a test: what it was asked, what it holds back, whose a token is, who is connected.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{StreamLogEntry, StreamLogKind};
use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, BOB, CAROL, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::setup::APP;
use super::world::World;

impl World {
    /// How many links were opened so far, in all.
    pub(crate) fn links_opened(&self) -> usize {
        self.stream().log().iter().filter(|entry| is_connected(entry)).count()
    }

    /// Waits until so many links were opened, in all.
    pub(crate) async fn links(&self, count: usize) {
        let opened = |log: &[StreamLogEntry]| log.iter().filter(|entry| is_connected(entry)).count() >= count;
        self.stream().wait_for(|log| opened(log).then_some(())).await;
    }

    /// An event of the sandbox's organisation for the app, as the platform wraps it.
    pub(crate) fn envelope(id: &str, event_type: &str) -> Value {
        json!({
            "schema": "2.0",
            "header": {
                "event_id": id,
                "event_type": event_type,
                "create_time": "1700000000000",
                "token": "",
                "app_id": APP,
                "tenant_key": DEFAULT_TENANT_KEY,
            },
            "event": {},
        })
    }

    /// Pushes an event, wrapped already.
    pub(crate) async fn push(&self, envelope: &Value) {
        self.control("push", &json!({ "envelope": envelope })).await;
    }

    /// Waits until an event was acknowledged as taken so often.
    pub(crate) async fn acknowledged(&self, event: &str, times: usize) {
        let count = |log: &[StreamLogEntry]| log.iter().filter(|entry| entry.accepted_event() == Some(event)).count();
        self.stream().wait_for(|log| (count(log) >= times).then_some(())).await;
    }

    /// How many events ended so, by the gateway's own count.
    pub(crate) async fn events(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_event_total{{app_id=\"{}\",outcome=\"{outcome}\"}}", self.app())).await
    }

    /// The value of a series that counts.
    pub(crate) async fn count(&self, series: &str) -> u64 {
        let line = self.metrics().await.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        line.unwrap_or_default()
    }

    /// Holds the answers of an interface back; `act` says whether the platform works before it waits.
    pub(crate) async fn hold(&self, api: &str, act: bool) {
        let rule = json!({ "match": { "api": api }, "times": 1, "action": { "kind": "hold", "act": act } });
        self.fault(&rule).await;
    }

    /// Lets go of what is held.
    pub(crate) async fn release(&self) {
        self.control("release", &json!({})).await;
    }

    /// Waits until an interface was called so often.
    pub(crate) async fn called(&self, api: &str, times: usize) -> Vec<Entry> {
        self.site().journal.wait_for(times, |entry| entry.call.api == api).await
    }

    /// Waits until the platform has worked on so many calls of an interface, answered or not.
    pub(crate) async fn worked(&self, api: &str, times: usize) -> Vec<Entry> {
        let done = |entry: &Entry| entry.call.api == api && entry.outcome.is_some();
        self.site().journal.wait_for(times, done).await
    }

    /// Everybody whom the sandbox made up.
    pub(crate) fn crowd(&self) -> Vec<String> {
        let world = self.site().world.lock();
        let known = |open_id: &&String| ![ALICE, BOB, CAROL].contains(&open_id.as_str());
        world.people.iter().map(|person| &person.open_id).filter(known).cloned().collect()
    }

    /// Waits until a series has counted so far; `name` says what it counts.
    pub(crate) async fn metric_is_at_least(&self, series: &str, wanted: u64, name: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.count(series).await < wanted {
            assert!(Instant::now() < deadline, "{name}: {series} does not become {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a series has this value. Nothing announces that a number has changed: it is read again and again.
    pub(crate) async fn metric_becomes(&self, series: &str, wanted: f64) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let found = self.metric(series).await.unwrap_or_default();
            if (found - wanted).abs() < f64::EPSILON {
                return;
            }
            assert!(Instant::now() < deadline, "{series} is {found} and does not become {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many of the person's tokens the platform takes.
    pub(crate) async fn live_tokens(&self, person: &str) -> usize {
        let granted = self.look(&format!("grants?open_id={person}")).await;
        granted["live_access_tokens"].as_array().map_or(0, Vec::len)
    }
}

fn is_connected(entry: &StreamLogEntry) -> bool {
    matches!(entry.what, StreamLogKind::Connected { .. })
}
