//! Where things stand, so that a test can say that nothing changed; and what was written into the audit trail.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::captured;
use super::setup::API_PORT;
use super::world::World;

/// Where one auth session, the grants and the platform's list of requests stand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    calls: usize,
    session: Value,
    grants: String,
}

impl Standing {
    /// The session, as the API shows it.
    pub(crate) const fn session(&self) -> &Value {
        &self.session
    }
}

impl World {
    /// How many requests the platform has seen, but for those of the event stream.
    pub(crate) async fn platform_calls(&self) -> usize {
        let log = self.look("log?limit=100000").await;
        log.as_array().unwrap().iter().filter(|entry| entry["api"] != "endpoint").count()
    }

    /// Where things stand.
    pub(crate) async fn standing(&self, session: &str) -> Standing {
        Standing {
            calls: self.platform_calls().await,
            session: self.get(&format!("/v1/auth-sessions/{session}")).await.json(),
            grants: self.get("/v1/grants").await.text,
        }
    }

    /// How many lines of the audit trail hold this text.
    #[expect(clippy::unused_self, reason = "the trail of this world, as far as the text is this world's own")]
    pub(crate) fn audited(&self, text: &str) -> usize {
        captured::count_lines(" audit: ", text)
    }

    /// How many requests of this world were refused, as the audit trail has it.
    pub(crate) fn refusals(&self) -> usize {
        self.audited(&format!("peer=\"{}\"", self.ip))
    }

    /// The grants that there are.
    pub(crate) async fn grants(&self) -> Vec<Value> {
        self.get("/v1/grants").await.json()["grants"].as_array().unwrap().clone()
    }

    /// Sends bytes as they are and reads until the gateway closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect((self.ip, API_PORT)).await.unwrap();
        // The gateway may close before it has read all of it.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        self.seen.lock().unwrap().push(answer.clone());
        answer
    }
}
