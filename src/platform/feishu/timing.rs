//! The intervals that the platform sets for a connection, held within sane bounds.
//!
//! They come with the address and again with each pong. A value that is missing, of the wrong type or not positive leaves
//! the one before in force; any other is clamped, so that no answer can make us loop hot or fall silent.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The bounds of the platform's heartbeat interval, in seconds.
const HEARTBEAT_BOUNDS: (u64, u64) = (5, 300);
/// The bounds of the wait between two dials, in seconds.
const RECONNECT_BOUNDS: (u64, u64) = (5, 300);

/// The platform's settings as they are written in JSON; each may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClientConfig {
    ping_interval: Value,
    reconnect_interval: Value,
}

/// The intervals in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How often the platform wants its own heartbeat.
    pub heartbeat: Duration,
    /// The longest wait between two dials.
    pub reconnect: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { heartbeat: Duration::from_mins(2), reconnect: Duration::from_mins(2) }
    }
}

impl Timing {
    /// Takes over what is usable of the platform's settings.
    pub fn apply(&mut self, config: &ClientConfig) {
        if let Some(heartbeat) = clamped(&config.ping_interval, HEARTBEAT_BOUNDS) {
            self.heartbeat = heartbeat;
        }
        if let Some(reconnect) = clamped(&config.reconnect_interval, RECONNECT_BOUNDS) {
            self.reconnect = reconnect;
        }
    }
}

fn clamped(seconds: &Value, (low, high): (u64, u64)) -> Option<Duration> {
    let seconds = seconds.as_u64().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds.clamp(low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(json: &str) -> (u64, u64) {
        let mut timing = Timing::default();
        timing.apply(&serde_json::from_str(json).unwrap());
        (timing.heartbeat.as_secs(), timing.reconnect.as_secs())
    }

    #[test]
    fn w28_intervals_are_clamped() {
        for (json, expected) in [
            (r#"{"PingInterval":90,"ReconnectInterval":25,"ReconnectCount":-1,"ReconnectNonce":30}"#, (90, 25)),
            (r#"{"PingInterval":0,"ReconnectInterval":0}"#, (120, 120)),
            (r#"{"PingInterval":-1,"ReconnectInterval":-1}"#, (120, 120)),
            (r#"{"PingInterval":1,"ReconnectInterval":1}"#, (5, 5)),
            (r#"{"PingInterval":1000000000,"ReconnectInterval":18446744073709551615}"#, (300, 300)),
            (r#"{"PingInterval":1e9,"ReconnectInterval":"60"}"#, (120, 120)),
            (r#"{"PingInterval":null,"ReconnectInterval":[]}"#, (120, 120)),
            ("{}", (120, 120)),
            (r#"{"PingInterval":60}"#, (60, 120)),
        ] {
            assert_eq!(after(json), expected, "W28 {json}");
        }
    }
}
