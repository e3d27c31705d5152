//! Bad input at the callers' door: keys (group K), requests (group X), fields and limits, rights.

mod fields;
mod keys;
mod requests;
mod rights;

use serde_json::{Value, json};

use crate::harness::{Reply, World};

const READ: &[&str] = &["apaas:app:read"];

/// A problem as RFC 9457 has it, of this status and word, and nothing of what must not be in it.
fn assert_problem(row: &str, reply: &Reply, status: u16, word: &str) {
    assert_eq!((reply.status, reply.problem().as_str()), (status, word), "{row}: {}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{row}");
    assert_eq!(reply.header("cache-control"), "no-store", "{row}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{row}");
    assert_eq!(reply.json()["status"], json!(status), "{row}");
    for name in ["title", "detail"] {
        assert!(reply.json()[name].as_str().is_some_and(|text| !text.is_empty()), "{row}: {name}");
    }
    assert!(reply.text.len() < 2_048, "{row}: {}", reply.text);
    for inside in ["sqlx", "SQLite", "sea_orm", "panicked", "src/", "/tmp/"] {
        assert!(!reply.text.contains(inside), "{row}: {}", reply.text);
    }
}

impl World {
    /// A pending auth session that must stay as it is.
    async fn bystander(&self) -> String {
        let (session, _) = self.link(cardkey_sandbox::CAROL, READ).await;
        session
    }

    async fn post_text(&self, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.http.post(self.url("/v1/tokens")).bearer_auth(&self.key);
        self.send(request.header("content-type", content_type).body(body)).await
    }

    async fn delete(&self, path: &str, key: &str) -> Reply {
        self.send(self.http.delete(self.url(path)).bearer_auth(key)).await
    }

    async fn ask_with_key(&self, key: &str, body: &Value) -> Reply {
        self.send(self.http.post(self.url("/v1/tokens")).bearer_auth(key).json(body)).await
    }
}
