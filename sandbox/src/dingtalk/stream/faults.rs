//! How the stream misbehaves: one record of wishes, all optional, replaceable at any time.
//!
//! Faults with `times` act that often and are then gone; without it they act until cleared.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::websocket::raw::Raw;
use crate::websocket::trouble::{BlackHole, Close, CloseWhen, Duplicate, RefuseHandshake, spend};

/// Everything that can be wrong with the stream. The default is a stream that behaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamFaults {
    /// `connections/open` refuses.
    pub refuse_open: Option<RefuseOpen>,
    /// `connections/open` names this endpoint, verbatim.
    pub endpoint: Option<String>,
    /// The WebSocket upgrade is refused.
    pub refuse_handshake: Option<RefuseHandshake>,
    /// Connections that take bytes and give none.
    pub black_hole: Option<BlackHole>,
    /// Each push is sent more than once.
    pub duplicate: Option<Duplicate>,
    /// Sent verbatim before each push.
    pub garbage: Vec<Raw>,
    /// Acknowledgements get lost on their way.
    pub lose_acks: bool,
    /// Connections are closed with a code.
    pub close: Option<Close>,
    /// `SYSTEM` pings stay away.
    pub no_pings: bool,
    /// Time stamps in headers are numbers, which no correct server sends.
    pub numeric_time: bool,
}

/// `connections/open` answers something else than 200.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseOpen {
    /// The HTTP status, such as 503.
    pub status: u16,
    /// A JSON body, or a text that is sent as HTML.
    #[serde(default)]
    pub body: Value,
    /// How often; until cleared when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

impl StreamFaults {
    pub(super) fn spend_refuse_open(&mut self) -> Option<RefuseOpen> {
        spend(&mut self.refuse_open, |fault| &mut fault.times)
    }

    pub(super) fn spend_refuse_handshake(&mut self) -> Option<RefuseHandshake> {
        spend(&mut self.refuse_handshake, |fault| &mut fault.times)
    }

    /// The close that belongs to this moment, if it is the one.
    pub(super) fn spend_close(&mut self, when: CloseWhen) -> Option<Close> {
        self.close.as_ref().filter(|close| close.when == when)?;
        spend(&mut self.close, |fault| &mut fault.times)
    }
}
