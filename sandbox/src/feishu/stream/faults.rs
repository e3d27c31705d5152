//! How the stream misbehaves: one record of wishes, all optional, replaceable at any time.
//!
//! Faults with `times` act that often and are then gone; without it they act until cleared, except a cut,
//! which acts once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::websocket::raw::Raw;
use crate::websocket::trouble::{BlackHole, Close, CloseWhen, Duplicate, RefuseHandshake, spend};

/// Everything that can be wrong with the stream. The default is a stream that behaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamFaults {
    /// The endpoint refuses tickets.
    pub refuse_endpoint: Option<RefuseEndpoint>,
    /// The endpoint answers this URL, verbatim, instead of a ticket URL.
    pub endpoint_url: Option<String>,
    /// The WebSocket upgrade is refused.
    pub refuse_handshake: Option<RefuseHandshake>,
    /// A connection breaks in the middle of a data frame.
    pub cut: Option<Cut>,
    /// Connections that take bytes and give none.
    pub black_hole: Option<BlackHole>,
    /// Each event and callback is sent more than once.
    pub duplicate: Option<Duplicate>,
    /// Payloads are split over several frames.
    pub split: Option<Split>,
    /// Sent verbatim before each event and callback.
    pub garbage: Vec<Raw>,
    /// How long an acknowledgement lies unread, in milliseconds.
    pub ack_delay_ms: Option<u64>,
    /// Connections are closed with a code.
    pub close: Option<Close>,
    /// Merged over the client configuration, in the endpoint's answer and in pongs: a `null` removes a field.
    /// Anything but an object replaces it.
    pub client_config: Option<Value>,
    /// Header `type` of data frames; `event` when absent.
    pub frame_type: Option<String>,
    /// Headers that data frames lack.
    pub omit_headers: Vec<String>,
}

/// The endpoint answers with a code other than 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseEndpoint {
    /// The platform's code, for example 514.
    pub code: i64,
    /// The text beside it.
    #[serde(default)]
    pub msg: String,
    /// How often; until cleared when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

/// The next data frame stops after some bytes, and the connection with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// How many bytes of the WebSocket frame, its header included, still arrive.
    pub after_bytes: usize,
    /// Reset instead of an orderly end of the TCP connection.
    #[serde(default)]
    pub reset: bool,
    /// How often; once when absent, until cleared for `null`.
    #[serde(default = "once")]
    pub times: Option<u32>,
}

/// Payloads are cut into parts of about equal length, without regard for characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// How many frames (`sum`).
    pub parts: u32,
    /// The order in which they are sent.
    #[serde(default)]
    pub order: PartOrder,
    /// The part (`seq`) that is never sent.
    #[serde(default)]
    pub drop: Option<u32>,
    /// The part (`seq`) that is sent twice.
    #[serde(default)]
    pub repeat: Option<u32>,
}

/// Order of the parts of one payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOrder {
    /// By `seq`.
    #[default]
    Forward,
    /// The last part first.
    Reversed,
}

#[expect(clippy::unnecessary_wraps, reason = "a default has the type of its field")]
fn once() -> Option<u32> {
    Some(1)
}

impl StreamFaults {
    pub(super) fn spend_refuse_endpoint(&mut self) -> Option<RefuseEndpoint> {
        spend(&mut self.refuse_endpoint, |f| &mut f.times)
    }

    pub(super) fn spend_refuse_handshake(&mut self) -> Option<RefuseHandshake> {
        spend(&mut self.refuse_handshake, |f| &mut f.times)
    }

    pub(super) fn spend_cut(&mut self) -> Option<Cut> {
        spend(&mut self.cut, |f| &mut f.times)
    }

    /// The close that belongs to this moment, if it is the one.
    pub(super) fn spend_close(&mut self, when: CloseWhen) -> Option<Close> {
        self.close.as_ref().filter(|c| c.when == when)?;
        spend(&mut self.close, |f| &mut f.times)
    }

    /// The client configuration as this record spoils it.
    pub(super) fn spoil_client_config(&self, mut config: Value) -> Value {
        match (&self.client_config, config.as_object_mut()) {
            (None, _) => config,
            (Some(Value::Object(over)), Some(fields)) => {
                fields.extend(over.clone());
                fields.retain(|_, value| !value.is_null());
                config
            }
            (Some(other), _) => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_run_out() {
        let mut faults: StreamFaults =
            serde_json::from_value(json!({"refuse_endpoint": {"code": 514, "times": 2}})).unwrap();
        assert_eq!(faults.spend_refuse_endpoint().unwrap().code, 514);
        assert!(faults.spend_refuse_endpoint().is_some());
        assert!(faults.spend_refuse_endpoint().is_none());
        assert_eq!(faults, StreamFaults::default());
    }

    #[test]
    fn without_times_a_fault_stays_and_zero_is_never() {
        let mut faults: StreamFaults = serde_json::from_value(json!({
            "cut": {"after_bytes": 1, "times": null},
            "refuse_handshake": {"times": 0},
        }))
        .unwrap();
        assert!((0..5).all(|_| faults.spend_cut().is_some()));
        assert!(faults.spend_refuse_handshake().is_none());
    }

    #[test]
    fn client_config_is_merged_removed_or_replaced() {
        let spoil = |over| {
            let faults = StreamFaults { client_config: Some(over), ..StreamFaults::default() };
            faults.spoil_client_config(json!({"PingInterval": 120, "ReconnectCount": -1}))
        };
        assert_eq!(spoil(json!({"PingInterval": 0})), json!({"PingInterval": 0, "ReconnectCount": -1}));
        assert_eq!(spoil(json!({"ReconnectCount": null})), json!({"PingInterval": 120}));
        assert_eq!(spoil(json!("x")), json!("x"));
    }

    #[test]
    fn a_misspelt_fault_is_an_error() {
        assert!(serde_json::from_value::<StreamFaults>(json!({"cutt": 1})).is_err());
    }
}
