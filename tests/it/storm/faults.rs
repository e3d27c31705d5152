//! The platform's faults: drawn one after another, each meets a few refreshes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Storm;

/// How long a refusal says to wait, in seconds: longer than the database may be locked.
const RESET_S: [&str; 2] = ["3", "4"];

/// The platform's answer that it failed.
fn failed() -> Value {
    json!({ "code": 20_050, "error": "server_error" })
}

fn status(status: u16, body: &Value, act: bool) -> Value {
    json!({ "kind": "status", "status": status, "body": body, "act": act })
}

/// Name and action of each kind. Those of the second half lose the pair: the platform has worked, and nobody has its answer.
fn kinds(answer: Duration) -> Vec<(&'static str, Value)> {
    let (short, long) = (answer.as_millis() / 4, answer.as_millis() * 2);
    vec![
        ("502 before the commit", status(502, &json!({}), false)),
        ("500 with code 20050", status(500, &failed(), false)),
        ("connection closed unanswered", json!({ "kind": "drop" })),
        ("late answer", json!({ "kind": "delay", "ms": short, "act": true })),
        ("late commit", json!({ "kind": "delay", "ms": short })),
        ("page in the answer's place, nothing done", json!({ "kind": "body", "body_text": "<html>" })),
        ("502 after the commit", status(502, &json!({}), true)),
        ("answer lost", json!({ "kind": "lose_answer" })),
        ("answer cut", json!({ "kind": "cut_answer", "bytes": 300 })),
        ("page in the answer's place", json!({ "kind": "body", "body_text": "<html>", "act": true })),
        ("answer later than anybody waits", json!({ "kind": "delay", "ms": long, "act": true })),
    ]
}

impl Storm {
    /// Draws faults until the storm is over.
    pub(super) async fn spoil(&self) {
        let mut draw = self.plan.draw(2);
        let kinds = kinds(self.plan.timers.answer);
        while !self.pause(draw.within(&self.plan.fault_every)).await {
            let meets = 1 + draw.below(self.plan.fault_meets);
            match draw.below(kinds.len() + 2) {
                0 => self.hold(meets, draw.below(2) == 0).await,
                1 => self.limit(RESET_S[draw.below(RESET_S.len())]).await,
                kind => self.meet(kinds[kind - 2].0, meets, &kinds[kind - 2].1).await,
            }
        }
    }

    async fn meet(&self, name: &'static str, meets: usize, action: &Value) {
        self.diary.count(name);
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        self.world.fault(&json!({ "match": matches, "times": meets, "action": action })).await;
    }

    async fn limit(&self, reset: &str) {
        let headers = json!({ "x-ogw-ratelimit-reset": reset });
        let body = json!({ "code": 99_991_400 });
        let action = json!({ "kind": "status", "status": 429, "body": body, "headers": headers });
        self.meet("429 with a time", 1, &action).await;
    }

    async fn hold(&self, meets: usize, act: bool) {
        let name = if act { "held after the commit" } else { "held before the commit" };
        self.meet(name, meets, &json!({ "kind": "hold", "act": act })).await;
        sleep(self.plan.timers.answer / 4).await;
        self.world.release().await;
    }
}
